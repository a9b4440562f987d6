# The whole, made once against mocks and then looked at: who may do what, and how the parts are joined.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "prod"
  account_id  = "123456789012"
  region      = "eu-central-1"
  zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  cidr        = "10.30.0.0/16"

  public_name    = "docs.example.com"
  hosted_zone_id = "Z0123456789ABCDEFGHIJ"
  owner          = "platform@example.com"
  cost_center    = "documentation"

  protected              = true
  nat_in_each_zone       = true
  endpoints_in_each_zone = true
  recovery               = { region = "eu-west-1", retention_days = 35 }
  operator_cidrs         = ["203.0.113.10/32"]
  log_retention_days     = 365

  image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

  service = { cpu = 1024, memory = 2048, min_tasks = 3, max_tasks = 30 }
  worker  = { cpu = 1024, memory = 4096, min_tasks = 2, max_tasks = 20 }

  database = {
    engine_version        = "17.7"
    min_acu               = 2
    max_acu               = 32
    readers               = 1
    backup_retention_days = 35
  }

  cache  = { node_type = "cache.t4g.small", replicas = 2 }
  limits = { requests_per_second = 1000, burst = 2000 }

  chat_model = {
    model   = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    profile = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    regions = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"]
  }

  login = {
    domain_prefix          = "pidima-prod-example"
    second_factor_required = true
  }

  sampling           = { questions = 0.05, rest = 0.01 }
  urgent_subscribers = ["https://events.example.com/pidima-prod"]
  notice_subscribers = ["platform@example.com"]
  monthly_budget_usd = 3000

  # Ephemeral values have no default in a test.
  app_database_password = "0123456789abcdef0123456789abcdef"
  cache_password        = "0123456789abcdef0123456789abcdef"
  signing_secret        = "0123456789abcdef0123456789abcdef"
  password_peppers      = "one:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
  openai_api_key        = "key"
}

run "the_service_may_do_what_it_does_and_nothing_else" {
  assert {
    condition = toset(flatten([for s in jsondecode(module.service_task.task_policy).Statement : s.Action])) == toset([
      "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:ApplyGuardrail",
      "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucket", "s3:ListBucketMultipartUploads", "kms:Decrypt", "kms:GenerateDataKey",
      "ssm:GetParametersByPath", "secretsmanager:GetSecretValue",
      "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "xray:PutTraceSegments",
    ])
    error_message = "The rights of the service changed: ${module.service_task.task_policy}"
  }

  assert {
    condition     = length([for s in jsondecode(module.service_task.task_policy).Statement : s.Sid if contains(flatten([s.Resource]), "*") && s.Action != ["xray:PutTraceSegments"]]) == 0
    error_message = "A right of the service knows no resource: ${module.service_task.task_policy}"
  }

  assert {
    condition     = one([for s in jsondecode(module.service_task.task_policy).Statement : s.Resource if s.Sid == "KeepOriginals"]) == ["${module.documents.arn}/t/*"] && one([for s in jsondecode(module.service_task.task_policy).Statement : s if s.Sid == "ObjectsUnderTheirKey"]).Condition.StringEquals["kms:ViaService"] == "s3.eu-central-1.amazonaws.com"
    error_message = "The service reaches other objects, or their key in another way than through S3."
  }

  assert {
    condition     = one([for s in jsondecode(module.service_task.task_policy).Statement : s.Resource if contains(flatten([s.Action]), "sqs:ReceiveMessage")]) == [module.queue.dead_arn] && one([for s in jsondecode(module.service_task.task_policy).Statement : s if s.Sid == "LookAtTheQueue"]) == { Sid = "LookAtTheQueue", Effect = "Allow", Action = ["sqs:GetQueueAttributes"], Resource = [module.queue.arn] }
    error_message = "The service must read dead letters alone, and of the queue only how long it is."
  }
}

run "the_worker_may_do_what_it_does_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([for s in jsondecode(module.worker_task.task_policy).Statement : s.Action])) == toset([
      "bedrock:InvokeModel", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListBucket", "s3:ListBucketMultipartUploads", "kms:Decrypt", "kms:GenerateDataKey",
      "ssm:GetParametersByPath", "secretsmanager:GetSecretValue",
      "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "xray:PutTraceSegments",
    ])
    error_message = "The rights of the worker changed: ${module.worker_task.task_policy}"
  }

  assert {
    condition     = one([for s in jsondecode(module.worker_task.task_policy).Statement : s.Resource if s.Sid == "TakeWork"]) == [module.queue.arn] && one([for s in jsondecode(module.worker_task.task_policy).Statement : s.Action if s.Sid == "SetAside"]) == ["sqs:SendMessage"]
    error_message = "The worker reaches other queues, or reads dead letters."
  }

  assert {
    condition     = length([for s in jsondecode(module.worker_task.task_policy).Statement : s.Sid if contains(flatten([s.Resource]), "*") && s.Action != ["xray:PutTraceSegments"]]) == 0
    error_message = "A right of the worker knows no resource."
  }
}

run "service_and_worker_read_their_own_path_and_secrets_and_nothing_else" {
  assert {
    condition     = alltrue([for policy in [module.service_task.task_policy, module.worker_task.task_policy] : one([for s in jsondecode(policy).Statement : s.Resource if s.Sid == "ReadParameters"]) == ["arn:aws:ssm:eu-central-1:123456789012:parameter/pidima-prod", "arn:aws:ssm:eu-central-1:123456789012:parameter/pidima-prod/*"]])
    error_message = "Another path can be read than that of the environment: ${module.service_task.task_policy}"
  }

  assert {
    condition     = alltrue([for policy in [module.service_task.task_policy, module.worker_task.task_policy] : one([for s in jsondecode(policy).Statement : s.Resource if s.Sid == "ReadSecrets"]) == [module.secrets.arns["app-database"]] && one([for s in jsondecode(policy).Statement : s if s.Sid == "OpenSettings"]).Condition.StringEquals["kms:ViaService"] == ["secretsmanager.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com"]])
    error_message = "Other secrets can be read, or their key used in another way than through them."
  }

  assert {
    condition     = alltrue([for task in [module.service_task, module.worker_task] : { for setting in jsondecode(task.container_definitions)[0].environment : setting.name => setting.value if contains(["PIDIMA_SECRETS", "PIDIMA_PARAMETERS_PATH"], setting.name) } == { PIDIMA_SECRETS = module.secrets.arns["app-database"], PIDIMA_PARAMETERS_PATH = "/pidima-prod/" }])
    error_message = "A task is not told where its settings stand."
  }
}

run "the_migrate_task_speaks_to_aurora_alone" {
  command = plan

  assert {
    condition     = module.migrate_task.task_policy == null
    error_message = "The migrate task has rights of AWS: ${coalesce(module.migrate_task.task_policy, "none")}"
  }

  assert {
    condition     = toset([for secret in jsondecode(module.migrate_task.container_definitions)[0].secrets : secret.name]) == toset(["PGPASSWORD", "PIDIMA_APP_PASSWORD"]) && one([for secret in jsondecode(module.migrate_task.container_definitions)[0].secrets : secret.valueFrom if secret.name == "PGPASSWORD"]) == "${module.database.administrator_secret_arn}:password::"
    error_message = "The migrate task must get the administrator's password from the secret of RDS."
  }

  assert {
    condition     = strcontains(output.migrate_command, "assignPublicIp=DISABLED") && strcontains(output.migrate_command, module.walls.ids["migrate"]) && jsondecode(module.migrate_task.container_definitions)[0].command == ["migrate"]
    error_message = "The command must run the task in its own group, without a public address."
  }
}

run "only_the_migrate_task_sees_the_administrator" {
  command = plan

  assert {
    condition     = !strcontains(module.service_task.container_definitions, "ADMIN") && !strcontains(module.worker_task.container_definitions, "ADMIN") && !strcontains(module.service_task.execution_policy, module.database.administrator_secret_arn) && !strcontains(module.worker_task.execution_policy, module.database.administrator_secret_arn)
    error_message = "A task that runs all day could become administrator."
  }

  assert {
    condition     = strcontains(module.migrate_task.execution_policy, module.database.administrator_secret_arn)
    error_message = "The migrate task can not start."
  }
}

run "no_secret_is_a_plain_setting" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for definitions in [module.service_task.container_definitions, module.worker_task.container_definitions, module.migrate_task.container_definitions] : [
        for container in jsondecode(definitions) : [for setting in container.environment : !can(regex("PASSWORD|SECRET(_|$)|API_KEY|PEPPER|REDIS_URL|^DATABASE_URL", setting.name))]
      ]
    ]))
    error_message = "A secret stands in the text of a task."
  }

  assert {
    condition     = toset([for secret in jsondecode(module.service_task.container_definitions)[0].secrets : secret.name]) == toset(["PIDIMA_PASSWORD_PEPPERS", "PIDIMA_REDIS_URL", "PIDIMA_SIGNING_SECRET"])
    error_message = "Secrets that ECS gives to the service are not those."
  }

  assert {
    condition     = !strcontains(module.worker_task.container_definitions, "PIDIMA_SIGNING_SECRET")
    error_message = "The worker signs nothing."
  }
}

run "the_service_connects_by_tls_as_the_role_behind_the_wall" {
  command = plan

  assert {
    condition     = local.database_address == "writer.example:5432/pidima?sslmode=verify-full&sslrootcert=/etc/pidima/rds-ca.pem"
    error_message = "The service must check the certificate of Aurora."
  }

  assert {
    condition     = one([for secret in jsondecode(module.migrate_task.container_definitions)[0].secrets : secret.valueFrom if secret.name == "PIDIMA_APP_PASSWORD"]) == "${module.secrets.arns["app-database"]}:PIDIMA_APP_PASSWORD::"
    error_message = "The password that the migrate task gives to the role must be the one of the address."
  }

  assert {
    condition     = endswith(local.migrate_settings.PIDIMA_ADMIN_DATABASE_URL, "@${local.database_address}") && can(regex("^postgres://[a-z_]+@", local.migrate_settings.PIDIMA_ADMIN_DATABASE_URL))
    error_message = "The migrate task must check the certificate of Aurora, and its address hold no password."
  }
}

run "times_fit_each_other" {
  command = plan

  assert {
    condition     = tonumber(local.settings.PIDIMA_INGESTION_LEASE_MS) == 1000 * local.lease_seconds && local.max_receives > 4 * tonumber(local.settings.PIDIMA_INGESTION_MAX_ATTEMPTS) && local.max_receives >= 30
    error_message = "Lease and visibility of a message must be one, and the worker set a message aside before SQS does."
  }

  assert {
    condition     = tonumber(local.service_settings.PIDIMA_RUN_DRAIN_MS) <= 0.75 * tonumber(local.service_settings.PIDIMA_SHUTDOWN_TIMEOUT_MS) && tonumber(local.service_settings.PIDIMA_SHUTDOWN_TIMEOUT_MS) + 30000 <= 1000 * local.stop_timeout_seconds
    error_message = "Answers must end before requests, and requests before the container is killed."
  }

  assert {
    condition     = tonumber(local.service_settings.PIDIMA_MAX_UPLOAD_BYTES) <= 10000000 && local.service_settings.PIDIMA_TRUSTED_PROXIES == "2"
    error_message = "An upload must pass the gateway, and two proxies append an address."
  }
}

run "the_service_knows_its_issuer_model_and_objects" {
  command = plan

  assert {
    condition     = local.service_settings.PIDIMA_OIDC_COGNITO_ISSUER == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example" && local.service_settings.PIDIMA_PUBLIC_URL == "https://docs.example.com"
    error_message = "Tokens of Cognito would be refused."
  }

  assert {
    condition     = local.settings.PIDIMA_BEDROCK_MODEL == module.models.chat_profile_arn && local.settings.PIDIMA_BEDROCK_GUARDRAIL_ID == "guard" && local.settings.PIDIMA_EMBEDDING_PROVIDER == "bedrock"
    error_message = "Answers must come from the profile, behind the guardrail."
  }

  assert {
    condition     = local.settings.PIDIMA_OBJECTS_S3_BUCKET == module.documents.name && local.settings.PIDIMA_QUEUE_SQS_URL == module.queue.url && local.settings.PIDIMA_QUEUE_SQS_DEAD_URL == module.queue.dead_url
    error_message = "Objects and queue must be those that are made here."
  }
}

run "the_files_that_a_worker_reads_at_once_fit_into_its_memory" {
  command = plan

  assert {
    condition     = tonumber(local.worker_settings.PIDIMA_PARSER_PROCESSES) == 2 && local.worker_memory + tonumber(local.worker_settings.PIDIMA_PARSER_PROCESSES) * tonumber(local.worker_settings.PIDIMA_PARSER_MEMORY_BYTES) / 1048576 <= var.worker.memory
    error_message = "A worker whose files are large would be killed."
  }
}

run "answers_are_counted_from_the_log_of_the_service" {
  command = plan

  assert {
    condition     = alltrue([for filter in aws_cloudwatch_log_metric_filter.logged : filter.log_group_name == module.service_task.log_group_name && filter.metric_transformation[0].namespace == "Pidima/prod" && filter.metric_transformation[0].default_value == "0"]) && local.settings.PIDIMA_LOG_FORMAT == "json"
    error_message = "The log is not read, or not written so that it can be."
  }

  assert {
    condition     = { for name, filter in aws_cloudwatch_log_metric_filter.logged : name => filter.metric_transformation[0].name } == { for name, metric in local.metrics : name => metric.metric } && strcontains(aws_cloudwatch_log_metric_filter.logged["runs_failed"].pattern, "\"run failed\"")
    error_message = "Alarms look at metrics that nobody makes."
  }
}

run "one_image_in_three_kinds_of_task" {
  command = plan

  assert {
    condition     = length(distinct([for definitions in [module.service_task.container_definitions, module.worker_task.container_definitions, module.migrate_task.container_definitions] : jsondecode(definitions)[0].image])) == 1 && endswith(jsondecode(module.service_task.container_definitions)[0].image, "@${var.image_digest}")
    error_message = "All tasks must run the one image, by its digest."
  }

  assert {
    condition     = jsondecode(module.service_task.container_definitions)[0].command == ["serve", "--without-worker"] && jsondecode(module.worker_task.container_definitions)[0].command == ["worker"]
    error_message = "The service must leave documents to the worker."
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enhanced"
    error_message = "Scaling and alarms need the counts of Container Insights."
  }
}

run "data_stores_stand_in_isolated_subnets_under_a_key_of_ours" {
  command = plan

  assert {
    condition     = module.database.subnet_ids == toset(module.network.isolated_subnet_ids) && module.cache.subnet_ids == toset(module.network.isolated_subnet_ids)
    error_message = "A data store stands where there is a way out."
  }

  assert {
    condition     = module.database.key_arn == module.keys.arns["database"] && module.documents.key_arn == module.keys.arns["objects"] && module.exports.key_arn == module.keys.arns["objects"]
    error_message = "Rows or objects of tenants are not under the key of their purpose."
  }
}

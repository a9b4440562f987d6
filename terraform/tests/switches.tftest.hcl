# What a setting switches, and what comes out in the end.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Two repositories have two addresses, which mocks do not know.
override_resource {
  target = module.registry.aws_ecr_repository.this["public/aws-observability/aws-otel-collector"]
  values = {
    arn            = "arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/public/collector"
    repository_url = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/public/collector"
  }
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

run "a_server_that_speaks_openai_brings_a_secret_and_a_second_provider" {
  variables {
    openai = { base_url = "https://models.example.com/v1", model = "m" }
  }

  assert {
    condition     = contains(keys(module.secrets.arns), "openai-api-key") && contains(local.read_secret_arns, module.secrets.arns["openai-api-key"]) && length(local.read_secret_arns) == 2 && !strcontains(module.service_task.container_definitions, "PIDIMA_OPENAI_API_KEY") && strcontains(module.service_task.container_definitions, "https://models.example.com/v1")
    error_message = "The key must be a secret, and the address a setting."
  }
}

run "a_worker_reads_as_many_files_at_once_as_its_memory_holds" {
  command = plan

  variables {
    tracing = false
    worker  = { cpu = 512, memory = 1024, min_tasks = 1, max_tasks = 2 }
  }

  assert {
    condition     = local.worker_settings.PIDIMA_PARSER_PROCESSES == "1" && local.worker_settings.PIDIMA_PARSER_MEMORY_BYTES == "536870912"
    error_message = "A gigabyte holds the worker and one file."
  }
}

run "what_comes_out_tells_where_to_go_on" {
  assert {
    condition     = output.url == "https://docs.example.com" && output.login_url == "https://pidima-prod-example.auth.eu-central-1.amazoncognito.com" && output.cluster_name == "pidima-prod" && output.database_reader_endpoint == "reader.example"
    error_message = "An output is wrong."
  }

  assert {
    condition     = toset(keys(output.alarm_topics)) == toset(["urgent", "notice"]) && output.recovery_vault_arn != null && startswith(output.migrate_command, "aws ecs run-task --region eu-central-1 --cluster pidima-prod ")
    error_message = "The run book could not be followed."
  }

  assert {
    condition     = length(setintersection(output.token_scopes.read, output.token_scopes.write)) == 3
    error_message = "Scopes are not those."
  }
}

run "service_and_worker_write_their_metrics_beside_their_log" {
  assert {
    condition     = tonumber(local.settings.PIDIMA_METRICS_EMF_SECONDS) == 60 && local.settings.PIDIMA_METRICS_EMF_NAMESPACE == "Pidima/prod" && local.service_settings.PIDIMA_SERVICE_NAME != local.worker_settings.PIDIMA_SERVICE_NAME
    error_message = "CloudWatch must have metrics of the program each minute, of the service and of the worker apart."
  }

  assert {
    condition     = alltrue([for definitions in [module.service_task.container_definitions, module.worker_task.container_definitions] : contains([for setting in jsondecode(definitions)[0].environment : setting.name], "PIDIMA_METRICS_EMF_SECONDS") && jsondecode(definitions)[0].logConfiguration.logDriver == "awslogs"])
    error_message = "A task writes no metrics, or nobody takes them to CloudWatch."
  }
}

run "service_and_worker_tell_their_traces_to_a_collector_beside_them" {
  assert {
    condition     = [for task in [module.service_task, module.worker_task, module.migrate_task] : jsondecode(task.container_definitions)[*].name] == [["service", "collector"], ["worker", "collector"], ["migrate"]]
    error_message = "Service and worker must have a collector, and the migrate task none."
  }

  assert {
    condition     = alltrue([for task in [module.service_task, module.worker_task] : { for setting in jsondecode(task.container_definitions)[0].environment : setting.name => setting.value if contains(["PIDIMA_OTLP_ENDPOINT", "PIDIMA_TRACE_RATIO"], setting.name) } == { PIDIMA_OTLP_ENDPOINT = "http://${yamldecode(jsondecode(task.container_definitions)[1].environment[0].value).receivers.otlp.protocols.http.endpoint}", PIDIMA_TRACE_RATIO = "0.01" }])
    error_message = "The program must speak to where the collector listens, and trace what begins in it as the gateway does the rest."
  }

  assert {
    condition     = alltrue([for task in [module.service_task, module.worker_task] : jsondecode(task.container_definitions)[1].image == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/public/collector:v0.48.0" && strcontains(task.execution_policy, "repository/pidima-prod/public/collector")]) && !strcontains(module.migrate_task.execution_policy, "public/collector")
    error_message = "Its image must come by the registry of this environment, for those tasks that run it."
  }

  assert {
    condition     = alltrue([for task in [module.service_task, module.worker_task] : [for s in jsondecode(task.task_policy).Statement : s if length([for action in s.Action : action if startswith(action, "xray:")]) > 0] == [{ Sid = "TellTraces", Effect = "Allow", Action = ["xray:PutTraceSegments"], Resource = ["*"] }]]) && contains(module.network.endpoint_names, "xray")
    error_message = "It says what was seen and asks nothing, by an endpoint of the network."
  }
}

run "without_tracing_nothing_of_the_collector_is_left" {
  variables {
    tracing = false
  }

  assert {
    condition     = alltrue([for task in [module.service_task, module.worker_task] : length(jsondecode(task.container_definitions)) == 1 && !strcontains(task.container_definitions, "PIDIMA_OTLP") && !strcontains(task.container_definitions, "PIDIMA_TRACE") && !strcontains(task.task_policy, "xray") && !strcontains(task.execution_policy, "BatchImportUpstreamImage")])
    error_message = "A container, a setting or a right is left."
  }

  assert {
    condition     = !contains(module.network.endpoint_names, "xray") && keys(module.registry.arns) == ["pidima"]
    error_message = "An endpoint or a repository is paid for that nobody uses."
  }
}

run "an_image_that_is_in_an_ecr_already_is_pulled_from_there" {
  variables {
    collector = { image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/copies/collector", tag = "v1.2.3" }
  }

  assert {
    condition     = jsondecode(module.worker_task.container_definitions)[1].image == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/copies/collector:v1.2.3" && keys(module.registry.arns) == ["pidima"]
    error_message = "The copy must be run, and nothing taken in."
  }

  assert {
    condition     = contains(one([for s in jsondecode(module.worker_task.execution_policy).Statement : s.Resource if s.Sid == "PullImages"]), "arn:aws:ecr:eu-west-1:111122223333:repository/copies/collector") && !strcontains(module.worker_task.execution_policy, "BatchImportUpstreamImage")
    error_message = "Who starts the task must be let pull the copy: ${module.worker_task.execution_policy}"
  }
}

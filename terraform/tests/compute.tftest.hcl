# Images and tasks.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                 = "pidima-prod"
  role                 = "service"
  image                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/pidima@sha256:aa"
  command              = ["serve", "--without-worker"]
  health_command       = ["/pidima", "healthcheck"]
  port                 = 8080
  cpu                  = 1024
  memory               = 2048
  stop_timeout_seconds = 120
  environment          = { PIDIMA_LOG_FORMAT = "json" }
  secrets              = { PGPASSWORD = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-abc-AbCdEf:password::", PIDIMA_SIGNING_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pidima-prod/signing-secret-AbCdEf" }
  statements           = []
  repository_arns      = ["arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/pidima"]
  secrets_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  logs_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  images_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/images"
  log_retention_days   = 365
  repositories         = ["pidima"]
}

run "a_tag_never_moves_and_every_image_is_scanned" {
  command = plan

  module {
    source = "./modules/registry"
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && repository.encryption_configuration[0].encryption_type == "KMS"])
    error_message = "Images must be immutable, scanned and encrypted."
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["pidima"].policy).rules[1].selection.countNumber >= 10
    error_message = "An image that runs could expire."
  }
}

run "images_of_others_are_taken_in_and_kept_as_our_own" {
  module {
    source = "./modules/registry"
  }

  variables {
    public_repositories = ["aws-observability/aws-otel-collector"]
  }

  assert {
    condition     = one(aws_ecr_pull_through_cache_rule.public[*].upstream_registry_url) == "public.ecr.aws" && aws_ecr_repository.this["public/aws-observability/aws-otel-collector"].name == "${one(aws_ecr_pull_through_cache_rule.public[*].ecr_repository_prefix)}/aws-observability/aws-otel-collector"
    error_message = "A first pull must fill the repository that is made here, and not one that ECR makes without a key."
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && repository.encryption_configuration[0].kms_key == var.images_key_arn]) && length(aws_ecr_lifecycle_policy.this) == 2
    error_message = "An image of others must be kept as strictly as our own."
  }
}

run "the_container_has_no_root_and_nothing_to_write_but_scratch" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.user == "65532:65532" && container.readonlyRootFilesystem && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"]])
    error_message = "A container could change itself."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints == [{ sourceVolume = "scratch", containerPath = "/tmp", readOnly = false }]
    error_message = "Only /tmp may be written."
  }

  assert {
    condition     = aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "ARM64" && aws_ecs_task_definition.this.network_mode == "awsvpc" && aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"])
    error_message = "It runs on Fargate, on ARM."
  }
}

run "it_has_time_to_end_and_a_sign_of_life" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 120 && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck.command == ["CMD", "/pidima", "healthcheck"]
    error_message = "The container must drain for two minutes and be asked for life without a shell."
  }
}

run "a_log_that_blocks_does_not_block_requests" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.logConfiguration.options.mode == "non-blocking" && container.logConfiguration.options["awslogs-group"] == "/pidima-prod/service"])
    error_message = "A log could block."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "The log must be under its key, and end."
  }
}

run "the_role_that_starts_a_task_reads_its_own_secrets_alone" {
  module {
    source = "./modules/task"
  }

  assert {
    condition = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "ReadSecrets"]) == [
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pidima-prod/signing-secret-AbCdEf",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-abc-AbCdEf",
    ]
    error_message = "Rights on secrets are not those of the task: ${aws_iam_role_policy.execution.policy}"
  }

  assert {
    condition     = length([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s if contains([for action in s.Action : split(":", action)[0]], "ssm")]) == 0
    error_message = "The program reads parameters itself: who starts it has no right on them."
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s if s.Sid == "OpenSecrets"]).Condition.StringEquals["kms:ViaService"] == "secretsmanager.eu-central-1.amazonaws.com"
    error_message = "The key of secrets can be used in another way than through them."
  }

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Action if s.Resource == ["*"]] == [["ecr:GetAuthorizationToken"]]
    error_message = "Only the login to the registry knows no resource."
  }
}

run "a_task_has_two_roles_that_ecs_of_this_account_alone_may_take" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = aws_ecs_task_definition.this.execution_role_arn == aws_iam_role.execution.arn && aws_ecs_task_definition.this.task_role_arn == aws_iam_role.task.arn && aws_iam_role.execution.name != aws_iam_role.task.name
    error_message = "One role does both."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.execution, aws_iam_role.task] : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012" && jsondecode(role.assume_role_policy).Statement[0].Principal.Service == "ecs-tasks.amazonaws.com"])
    error_message = "Somebody else may take the role."
  }
}

run "without_a_need_the_program_has_no_right" {
  command = plan

  module {
    source = "./modules/task"
  }

  variables {
    role           = "migrate"
    health_command = null
    port           = null
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0 && output.task_policy == null
    error_message = "A role without need has rights."
  }
}

run "more_memory_than_fargate_has_is_refused" {
  command = plan

  module {
    source = "./modules/task"
  }

  variables {
    memory = 16384
  }

  expect_failures = [var.memory]
}

run "more_time_to_stop_than_fargate_gives_is_refused" {
  command = plan

  module {
    source = "./modules/task"
  }

  variables {
    stop_timeout_seconds = 300
  }

  expect_failures = [var.stop_timeout_seconds]
}

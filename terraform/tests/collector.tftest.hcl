# The collector of traces beside the program.

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
  environment          = { PIDIMA_OTLP_ENDPOINT = "http://127.0.0.1:4318" }
  secrets              = {}
  statements           = []
  repository_arns      = ["arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/pidima"]
  secrets_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  logs_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  log_retention_days   = 365

  collector = {
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/public/collector:v0.48.0"
    cpu            = 64
    memory         = 256
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/public/collector"
    is_taken_in    = true
  }
}

run "its_end_is_not_the_end_of_the_task" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = { for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.name => container.essential } == { service = true, collector = false }
    error_message = "The program is essential, and the collector is not."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].restartPolicy.enabled && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].healthCheck.command == ["CMD", "/healthcheck"]
    error_message = "A collector that ends must come again, and be asked for life without a shell."
  }
}

run "it_starts_before_the_program_and_stops_after_it" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn == [{ containerName = "collector", condition = "START" }] && !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].dependsOn)
    error_message = "ECS stops in the reverse order of the start: only so it sends the last spans of a drain."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 120 && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].stopTimeout >= 15
    error_message = "The program must drain for its whole time, and the collector have time for three batches after that."
  }
}

run "it_listens_to_its_own_task_alone" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = toset(regexall("[0-9a-z.]*:[0-9]{2,}", one([for setting in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment : setting.value if setting.name == "AOT_CONFIG_CONTENT"]))) == toset(["127.0.0.1:4318", "127.0.0.1:13133"])
    error_message = "The collector listens where others reach it."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).receivers == { otlp = { protocols = { http = { endpoint = "127.0.0.1:4318" } } } } && yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).service.telemetry.metrics.level == "none"
    error_message = "It takes OTLP over HTTP and nothing else, and serves no page."
  }

  assert {
    condition     = !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].portMappings)
    error_message = "No port of the collector is for anybody outside the task."
  }
}

run "it_sends_traces_to_x_ray_of_this_region_in_batches" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).service.pipelines == { traces = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["awsxray"] } }
    error_message = "There is one way: memory first, then batches, then X-Ray."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).exporters.awsxray.region == "eu-central-1" && contains(yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).exporters.awsxray.indexed_attributes, "run.id")
    error_message = "Traces must go to X-Ray of the region, and be found by the run."
  }
}

run "it_has_its_share_of_the_task_and_the_program_the_rest" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = sum([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.cpu]) == 1024 && sum([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.memory]) == 2048 && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].memory == 256
    error_message = "Shares must be the task."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).processors.memory_limiter.limit_mib == 192 && one([for setting in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment : setting.value if setting.name == "GOMEMLIMIT"]) == "204MiB"
    error_message = "It must refuse spans and collect garbage before it is killed for its memory."
  }
}

run "it_has_no_root_and_nothing_to_write" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.user == "65532:65532" && container.readonlyRootFilesystem && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"]]) && !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].mountPoints)
    error_message = "The collector could change itself."
  }
}

run "it_logs_into_streams_of_its_own" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = [for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : [container.logConfiguration.options["awslogs-group"], container.logConfiguration.options["awslogs-stream-prefix"], container.logConfiguration.options.mode]] == [["/pidima-prod/service", "service", "non-blocking"], ["/pidima-prod/service", "collector", "non-blocking"]] && aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "Its lines belong beside those of its task, and end with them."
  }
}

run "whoever_starts_the_task_takes_its_image_in" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s if s.Sid == "TakeImagesIn"]) == { Sid = "TakeImagesIn", Effect = "Allow", Action = ["ecr:BatchImportUpstreamImage"], Resource = [var.collector.repository_arn] }
    error_message = "The first pull must fill one repository, and no other one: ${aws_iam_role_policy.execution.policy}"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "PullImages"]) == concat(var.repository_arns, [var.collector.repository_arn])
    error_message = "Two repositories are pulled from: ${aws_iam_role_policy.execution.policy}"
  }
}

run "without_it_the_program_has_the_whole_task" {
  module {
    source = "./modules/task"
  }

  variables {
    collector = null
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)) == 1 && !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn) && !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].memory)
    error_message = "Something of the collector is left."
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "PullImages"]) == ["arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/pidima"] && !strcontains(aws_iam_role_policy.execution.policy, "BatchImportUpstreamImage")
    error_message = "A right is left that nobody needs: ${aws_iam_role_policy.execution.policy}"
  }
}

run "one_that_takes_the_whole_task_is_refused" {
  command = plan

  module {
    source = "./modules/task"
  }

  variables {
    collector = { image = "collector:v0.48.0", cpu = 1024, memory = 256, repository_arn = "arn", is_taken_in = true }
  }

  expect_failures = [var.collector]
}

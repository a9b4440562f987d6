# Images, tasks, service and worker.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                 = "pidima-prod"
  role                 = "service"
  image                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/pidima@sha256:aa"
  collector_image      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/collector@sha256:bb"
  command              = ["serve", "--without-worker"]
  health_command       = ["/pidima", "healthcheck"]
  port                 = 8080
  cpu                  = 1024
  memory               = 2048
  stop_timeout_seconds = 120
  environment          = { PIDIMA_LOG_FORMAT = "json" }
  secrets              = { PGPASSWORD = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-abc-AbCdEf:password::", PIDIMA_SIGNING_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pidima-prod/signing-secret-AbCdEf" }
  parameters           = { PIDIMA_LOG = "arn:aws:ssm:eu-central-1:123456789012:parameter/pidima-prod/log" }
  statements           = []
  repository_arns      = ["arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/pidima"]
  secrets_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  logs_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  images_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/images"
  log_retention_days   = 365
  repositories         = ["pidima", "collector"]

  cluster_arn             = "arn:aws:ecs:eu-central-1:123456789012:cluster/pidima-prod"
  cluster_name            = "pidima-prod"
  definition_arn          = "arn:aws:ecs:eu-central-1:123456789012:task-definition/pidima-prod-service:1"
  container_name          = "service"
  subnet_ids              = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id       = "sg-1"
  target_group_arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/t/1"
  load_balancer_dimension = "app/pidima-prod/1"
  target_group_dimension  = "targetgroup/t/1"
  queue_name              = "pidima-prod-jobs"
  min_tasks               = 3
  max_tasks               = 30
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
    condition     = length(aws_ecr_repository.this) == 2 && jsondecode(aws_ecr_lifecycle_policy.this["pidima"].policy).rules[1].selection.countNumber >= 10
    error_message = "An image that runs could expire."
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

run "traces_go_by_a_neighbour_that_the_service_outlives" {
  module {
    source = "./modules/task"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].name == "collector" && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].essential == false && yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).service.pipelines.traces.exporters == ["awsxray"]
    error_message = "The collector must hand traces to X-Ray, and its end must not end the service."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).receivers.otlp.protocols.grpc.endpoint == "127.0.0.1:4317"
    error_message = "The collector must not listen to the network."
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
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "ReadParameters"]) == ["arn:aws:ssm:eu-central-1:123456789012:parameter/pidima-prod/log"]
    error_message = "Rights on parameters are not those of the task."
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s if s.Sid == "OpenSecrets"]).Condition.StringEquals["kms:ViaService"] == ["secretsmanager.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com"]
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

run "without_collector_and_rights_the_program_may_do_nothing" {
  command = plan

  module {
    source = "./modules/task"
  }

  variables {
    role            = "migrate"
    collector_image = null
    health_command  = null
    port            = null
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

run "a_bad_deployment_is_taken_back" {
  command = plan

  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback && aws_ecs_service.this.deployment_minimum_healthy_percent == 100
    error_message = "A version that does not start must be taken back, with all old tasks running meanwhile."
  }

  assert {
    condition     = aws_ecs_service.this.alarms[0].enable && aws_ecs_service.this.alarms[0].rollback && aws_ecs_service.this.alarms[0].alarm_names == toset([aws_cloudwatch_metric_alarm.rollback.alarm_name])
    error_message = "A version that answers with errors must be taken back."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.rollback.alarm_actions == null ? [] : aws_cloudwatch_metric_alarm.rollback.alarm_actions) == 0
    error_message = "The alarm of the roll-back scales nothing."
  }
}

run "the_service_has_no_public_address_and_stands_in_three_zones" {
  command = plan

  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_ecs_service.this.network_configuration[0].assign_public_ip == false && length(aws_ecs_service.this.network_configuration[0].subnets) == 3 && aws_ecs_service.this.availability_zone_rebalancing == "ENABLED"
    error_message = "Tasks must be private and spread."
  }

  assert {
    condition     = one(aws_ecs_service.this.load_balancer).target_group_arn == var.target_group_arn && one(aws_ecs_service.this.load_balancer).container_port == 8080 && !aws_ecs_service.this.enable_execute_command
    error_message = "Tasks must join the load balancer and let nobody in."
  }
}

run "the_service_grows_with_cpu_memory_and_response_time" {
  module {
    source = "./modules/service"
  }

  assert {
    condition     = toset([for policy in aws_appautoscaling_policy.use : policy.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type]) == toset(["ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"])
    error_message = "CPU or memory is not followed."
  }

  assert {
    condition     = aws_appautoscaling_policy.slow.policy_type == "StepScaling" && aws_cloudwatch_metric_alarm.slow.metric_name == "TargetResponseTime" && aws_cloudwatch_metric_alarm.slow.alarm_actions == toset([aws_appautoscaling_policy.slow.arn])
    error_message = "Slow responses must add tasks."
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 3 && aws_appautoscaling_target.this.max_capacity == 30
    error_message = "Bounds are not those that were asked for."
  }
}

run "the_worker_grows_with_what_waits_for_each_task" {
  command = plan

  module {
    source = "./modules/worker"
  }

  assert {
    condition     = toset([for metric in aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : metric.id if metric.return_data]) == toset(["backlog"])
    error_message = "The backlog for each task must decide."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].rollback && aws_ecs_service.this.network_configuration[0].assign_public_ip == false && length(aws_ecs_service.this.load_balancer) == 0
    error_message = "The worker is private, and called by nobody."
  }
}

run "no_worker_at_all_is_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    min_tasks = 0
  }

  expect_failures = [var.min_tasks]
}

run "fewer_tasks_at_most_than_at_least_are_refused" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    max_tasks = 2
  }

  expect_failures = [var.max_tasks]
}

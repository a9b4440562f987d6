# The service and the worker.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "pidima-prod"
  port = 8080

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

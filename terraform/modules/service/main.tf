# The tasks that serve HTTP, behind the load balancer.

resource "aws_ecs_service" "this" {
  name                               = "service"
  cluster                            = var.cluster_arn
  task_definition                    = var.definition_arn
  desired_count                      = var.min_tasks
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  propagate_tags                     = "SERVICE"
  enable_ecs_managed_tags            = true
  # The image has no shell to give.
  enable_execute_command = false

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = var.container_name
    container_port   = var.port
  }

  # A version whose tasks do not become healthy is taken back by itself.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # And so is one that is healthy and answers with errors.
  alarms {
    enable      = true
    rollback    = true
    alarm_names = [aws_cloudwatch_metric_alarm.rollback.alarm_name]
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

# An alarm of its own: one that also scales would make a circle between the service and its scaling.
resource "aws_cloudwatch_metric_alarm" "rollback" {
  alarm_name          = "${var.name}-rollback"
  alarm_description   = "More than 2 in 100 requests failed in two of three minutes: a running deployment is taken back."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    label       = "failed, in 100"
    expression  = "IF(requests > 20, 100 * failed / requests, 0)"
    return_data = true
  }

  metric_query {
    id = "failed"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "HTTPCode_Target_5XX_Count"
      stat        = "Sum"
      period      = 60
      dimensions  = { LoadBalancer = var.load_balancer_dimension, TargetGroup = var.target_group_dimension }
    }
  }

  metric_query {
    id = "requests"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "RequestCount"
      stat        = "Sum"
      period      = 60
      dimensions  = { LoadBalancer = var.load_balancer_dimension, TargetGroup = var.target_group_dimension }
    }
  }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.this.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
}

resource "aws_appautoscaling_policy" "use" {
  for_each = {
    cpu    = { metric = "ECSServiceAverageCPUUtilization", target = 60 }
    memory = { metric = "ECSServiceAverageMemoryUtilization", target = 70 }
  }

  name               = each.key
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60
    # A task that goes takes its streams along: it is let go slowly.
    scale_in_cooldown = 600

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }
}

# Response time does not fall in proportion to the number of tasks, so it is no target to track: it adds tasks by steps,
# and the two policies above take them away again.
resource "aws_appautoscaling_policy" "slow" {
  name               = "response-time"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type          = "PercentChangeInCapacity"
    min_adjustment_magnitude = 1
    cooldown                 = 120
    metric_aggregation_type  = "Average"

    step_adjustment {
      metric_interval_lower_bound = 0
      metric_interval_upper_bound = 1
      scaling_adjustment          = 25
    }

    step_adjustment {
      metric_interval_lower_bound = 1
      scaling_adjustment          = 50
    }
  }
}

# Time to the head of the response: of a stream, that is the time until the question is stored and its run begins.
resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "${var.name}-scale-response-time"
  alarm_description   = "The slowest 5 in 100 responses begin after ${var.response_time_seconds} s: tasks are added."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  extended_statistic  = "p95"
  dimensions          = { LoadBalancer = var.load_balancer_dimension, TargetGroup = var.target_group_dimension }
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.response_time_seconds
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.slow.arn]
}

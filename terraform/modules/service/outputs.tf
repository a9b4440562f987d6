output "name" {
  description = "Name of the service in its cluster."
  value       = aws_ecs_service.this.name
}

output "rollback_alarm_name" {
  description = "Alarm that takes a deployment back."
  value       = aws_cloudwatch_metric_alarm.rollback.alarm_name
}

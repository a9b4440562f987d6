output "topic_arns" {
  description = "The two topics: urgent and notice."
  value       = { for name, topic in aws_sns_topic.this : name => topic.arn }
}

output "urgent_alarm_names" {
  description = "Alarms that wake somebody, for the dashboard."
  value = concat(
    [for key, alarm in aws_cloudwatch_composite_alarm.burn : alarm.alarm_name if local.burns[key].topic == "urgent"],
    [for key, alarm in aws_cloudwatch_metric_alarm.part : alarm.alarm_name if local.parts[key][0] == "urgent"],
  )
}

output "alarm_arns" {
  description = "Every alarm that tells somebody, for the dashboard."
  value = concat(
    [for alarm in aws_cloudwatch_composite_alarm.burn : alarm.arn],
    [for alarm in aws_cloudwatch_metric_alarm.part : alarm.arn],
  )
}

output "arn" {
  description = "The web ACL."
  value       = aws_wafv2_web_acl.this.arn
}

output "metric_name" {
  description = "Name of the web ACL in metrics."
  value       = aws_wafv2_web_acl.this.name
}

output "log_group_name" {
  description = "Log group of the firewall."
  value       = aws_cloudwatch_log_group.this.name
}

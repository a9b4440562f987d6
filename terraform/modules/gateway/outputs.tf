output "stage_arn" {
  description = "The stage, for the firewall."
  value       = aws_api_gateway_stage.this.arn
}

output "api_name" {
  description = "Name of the API in metrics."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage_name" {
  description = "Name of the stage in metrics."
  value       = aws_api_gateway_stage.this.stage_name
}

output "log_group_name" {
  description = "Log group of the access logs."
  value       = aws_cloudwatch_log_group.access.name
}

output "arn" {
  description = "The load balancer, which API Gateway integrates with."
  value       = aws_lb.this.arn
}

output "dimension" {
  description = "Name of the load balancer in metrics."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "Target group of the service."
  value       = aws_lb_target_group.service.arn
}

output "target_group_dimension" {
  description = "Name of the target group in metrics."
  value       = aws_lb_target_group.service.arn_suffix
}

output "name" {
  description = "Name of the service in its cluster."
  value       = aws_ecs_service.this.name
}

output "endpoint" {
  description = "Address of the primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "user_name" {
  description = "Name of the service's user."
  value       = aws_elasticache_user.service.user_name
}

output "id" {
  description = "Name of the replication group in metrics."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "subnet_ids" {
  description = "Where the nodes stand."
  value       = aws_elasticache_subnet_group.this.subnet_ids
}

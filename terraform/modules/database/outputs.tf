output "endpoint" {
  description = "Address of the writer."
  value       = aws_rds_cluster.this.endpoint
}

output "reader_endpoint" {
  description = "Address of the readers, for SQL logins of analysts."
  value       = aws_rds_cluster.this.reader_endpoint
}

output "resource_id" {
  description = "Id of the cluster in rights to connect."
  value       = aws_rds_cluster.this.cluster_resource_id
}

output "arn" {
  description = "The cluster, for backups."
  value       = aws_rds_cluster.this.arn
}

output "identifier" {
  description = "Name of the cluster in metrics."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "administrator_secret_arn" {
  description = "Secret with the administrator's name and password, kept by RDS."
  value       = aws_rds_cluster.this.master_user_secret[0].secret_arn
}

output "database_name" {
  description = "Name of the database."
  value       = aws_rds_cluster.this.database_name
}

output "administrator" {
  description = "Name of the administrator."
  value       = aws_rds_cluster.this.master_username
}

output "subnet_ids" {
  description = "Where the cluster stands."
  value       = aws_db_subnet_group.this.subnet_ids
}

output "key_arn" {
  description = "Key that the rows are under."
  value       = aws_rds_cluster.this.kms_key_id
}

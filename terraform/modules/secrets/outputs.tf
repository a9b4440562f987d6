output "arns" {
  description = "ARN of each secret, once it has a value: a task that starts before would fail."
  value       = { for name, version in aws_secretsmanager_secret_version.this : name => version.arn }
}

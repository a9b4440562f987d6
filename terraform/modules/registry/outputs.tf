output "arns" {
  description = "ARN of each repository."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}

output "urls" {
  description = "Address of each repository, to push to."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

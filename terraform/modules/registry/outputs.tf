output "arns" {
  description = "ARN of each repository."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}

output "urls" {
  description = "Address of each repository, to push to and to pull from."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }

  # Without the rule nothing comes of the first pull of a public image.
  depends_on = [aws_ecr_pull_through_cache_rule.public]
}

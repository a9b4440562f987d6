output "definition_arn" {
  description = "The task definition, with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "container_name" {
  description = "Name of the container that does the work."
  value       = var.role
}

output "log_group_name" {
  description = "Log group of the task."
  value       = aws_cloudwatch_log_group.this.name
}

output "execution_policy" {
  description = "Text of the policy of the execution role."
  value       = aws_iam_role_policy.execution.policy
}

output "task_policy" {
  description = "Text of the policy of the task role; null when it has none."
  value       = one(aws_iam_role_policy.task[*].policy)
}

output "container_definitions" {
  description = "Text of the container definitions."
  value       = aws_ecs_task_definition.this.container_definitions
}

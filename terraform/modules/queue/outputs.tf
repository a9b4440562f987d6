output "arn" {
  description = "The queue."
  value       = aws_sqs_queue.jobs.arn
}

output "url" {
  description = "Address of the queue."
  value       = aws_sqs_queue.jobs.url
}

output "name" {
  description = "Name of the queue in metrics."
  value       = aws_sqs_queue.jobs.name
}

output "dead_arn" {
  description = "The queue of dead letters."
  value       = aws_sqs_queue.dead.arn
}

output "dead_url" {
  description = "Address of the queue of dead letters."
  value       = aws_sqs_queue.dead.url
}

output "dead_name" {
  description = "Name of the queue of dead letters in metrics."
  value       = aws_sqs_queue.dead.name
}

output "chat_profile_arn" {
  description = "Profile that the service asks for answers."
  value       = aws_bedrock_inference_profile.chat.arn
}

output "guardrail_id" {
  description = "The guardrail."
  value       = aws_bedrock_guardrail.this.guardrail_id
}

output "guardrail_version" {
  description = "Version of the guardrail that is in use."
  value       = aws_bedrock_guardrail_version.this.version
}

output "chat_statements" {
  description = "Rights of a task that makes answers."
  value       = local.chat_statements
}

output "embedding_statements" {
  description = "Rights of a task that embeds."
  value       = local.embedding_statements
}

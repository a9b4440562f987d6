output "arn" {
  description = "The bucket."
  value       = aws_s3_bucket.this.arn
}

output "name" {
  description = "Name of the bucket, once its policy stands."
  value       = aws_s3_bucket.this.id

  # Whoever writes logs here is refused before the policy is there.
  depends_on = [aws_s3_bucket_policy.this]
}

output "key_arn" {
  description = "Key that objects are under; null: that of S3."
  value       = var.own_key ? var.key_arn : null
}

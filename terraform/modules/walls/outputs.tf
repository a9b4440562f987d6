output "ids" {
  description = "Id of each group."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

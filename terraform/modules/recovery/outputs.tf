output "vault_arn" {
  description = "Vault of the copies, in the other region."
  value       = aws_backup_vault.there.arn
}

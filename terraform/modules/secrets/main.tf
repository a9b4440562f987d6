# Secrets of the service. Their values are written and never read back: none is in the state or in a plan.

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:These are changed by counting up a version, since each change needs a step of the service (run book); the administrator of Aurora is rotated by RDS
  for_each = var.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value.description
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = var.secrets

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = lookup(var.values, each.key, null)
  secret_string_wo_version = each.value.version
}

# Whatever a role may be given elsewhere: nobody outside the account reads a secret.
resource "aws_secretsmanager_secret_policy" "this" {
  for_each = var.secrets

  secret_arn          = aws_secretsmanager_secret.this[each.key].arn
  block_public_policy = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisAccountOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

data "aws_caller_identity" "this" {}

# Settings and flags that operators change without this configuration: the value here is the first one. Tasks read them
# when they start.

resource "aws_ssm_parameter" "this" {
  for_each = var.parameters

  name        = "/${var.name}/${each.key}"
  description = each.value.description
  type        = "SecureString"
  key_id      = var.key_arn
  value       = each.value.value

  lifecycle {
    ignore_changes = [value]
  }
}

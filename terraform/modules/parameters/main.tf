# Settings and flags that operators change without this configuration: the value here is the first one. The program reads
# all that stand beneath the path, when it starts and each minute.

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

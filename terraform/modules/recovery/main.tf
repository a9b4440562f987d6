# Copies in another region, for the loss of this one: rows and originals, each day, under a key of that region.

data "aws_caller_identity" "this" {}

locals {
  by_account = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountDecidesByItsPolicies"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_key" "here" {
  description             = "${var.name}: backups"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.by_account
}

resource "aws_kms_key" "there" {
  region = var.recovery_region

  description             = "${var.name}: copies of backups"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.by_account
}

resource "aws_backup_vault" "here" {
  name        = var.name
  kms_key_arn = aws_kms_key.here.arn
}

resource "aws_backup_vault" "there" {
  region = var.recovery_region

  name        = "${var.name}-copies"
  kms_key_arn = aws_kms_key.there.arn
}

# Who may delete backups still can not delete a copy before its time: the lock itself must be taken away first.
resource "aws_backup_vault_lock_configuration" "there" {
  region = var.recovery_region

  backup_vault_name  = aws_backup_vault.there.name
  min_retention_days = 7
  max_retention_days = 365
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.here.name
    schedule          = "cron(30 3 * * ? *)"
    start_window      = 60
    completion_window = 360

    lifecycle {
      delete_after = var.retention_days
    }

    copy_action {
      destination_vault_arn = aws_backup_vault.there.arn

      lifecycle {
        delete_after = var.retention_days
      }
    }
  }
}

resource "aws_iam_role" "backup" {
  name = "${var.name}-backup"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset([
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
  ])

  role       = aws_iam_role.backup.name
  policy_arn = each.key
}

resource "aws_backup_selection" "this" {
  name         = "rows-and-originals"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = var.resource_arns
}

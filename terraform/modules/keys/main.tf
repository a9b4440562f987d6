# One key for each purpose, so that a grant for one kind of data opens no other, and the trail of a key tells what was read.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  region    = data.aws_region.this.region
  partition = data.aws_partition.this.partition

  purposes = {
    database = "Rows of Aurora, its backups and its performance data"
    cache    = "Valkey at rest"
    objects  = "Originals and exports of tenants in S3"
    queue    = "Messages of SQS"
    secrets  = "Secrets Manager and Parameter Store"
    images   = "Container images"
    logs     = "CloudWatch log groups"
    alarms   = "Messages of alarms"
  }

  # Without this statement nobody could manage the key; what it hands on is decided by the policies of the roles.
  by_account = {
    Sid       = "AccountDecidesByItsPolicies"
    Effect    = "Allow"
    Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }

  # Services that use a key in their own name.
  by_service = {
    logs = {
      Sid       = "LogGroupsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*"
      Condition = {
        ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*" }
      }
    }
    alarms = {
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }
  }
}

resource "aws_kms_key" "this" {
  for_each = local.purposes

  description             = "${var.name}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.by_account], [for purpose, statement in local.by_service : statement if purpose == each.key])
  })
}

resource "aws_kms_alias" "this" {
  for_each = local.purposes

  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

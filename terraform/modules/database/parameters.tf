resource "aws_rds_cluster_parameter_group" "this" {
  name        = "${var.name}-pg${local.major}"
  family      = "aurora-postgresql${local.major}"
  description = "TLS forced; statements counted; no text of a tenant in the log"

  dynamic "parameter" {
    for_each = {
      # A connection without TLS is refused.
      "rds.force_ssl"                     = "1"
      "password_encryption"               = "scram-sha-256"
      "rds.accepted_password_auth_method" = "scram"
      # Changes of the schema, and what takes longer than a second...
      "log_statement"              = "ddl"
      "log_min_duration_statement" = "1000"
      # ... without the values: those are texts of tenants.
      "log_parameter_max_length"          = "0"
      "log_parameter_max_length_on_error" = "0"
      "log_lock_waits"                    = "1"
      "log_temp_files"                    = "65536"
      # A session that was forgotten holds back the clean-up of everybody's rows.
      "idle_in_transaction_session_timeout" = "60000"
    }

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "immediate"
    }
  }

  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements"
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Aurora makes the group itself if it is not there, without key and without end.
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["postgresql", "iam-db-auth-error"])

  name              = "/aws/rds/cluster/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

data "aws_caller_identity" "this" {}

resource "aws_iam_role" "monitoring" {
  name = "${var.name}-database-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

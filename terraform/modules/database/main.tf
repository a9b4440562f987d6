# Aurora PostgreSQL Serverless v2: a writer, readers, and nothing that anybody outside the network can reach.

locals {
  major = split(".", var.engine_version)[0]
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:The plan is in modules/recovery, which is given the ARN of this cluster
  #checkov:skip=CKV2_AWS_27:log_statement and log_min_duration_statement are set in parameters.tf, in a dynamic block
  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.engine_version
  database_name      = "pidima"
  port               = var.port
  # The usual kind has no name.
  storage_type = var.storage_type == "aurora" ? null : var.storage_type

  # The administrator of the migrate task: its password is made, kept and changed by RDS and is in no state.
  master_username               = "pidima_admin"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.secrets_key_arn

  iam_database_authentication_enabled = true
  db_subnet_group_name                = aws_db_subnet_group.this.name
  vpc_security_group_ids              = [var.security_group_id]
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.this.name

  storage_encrypted = true
  kms_key_id        = var.key_arn

  backup_retention_period      = var.backup_retention_days
  preferred_backup_window      = "01:00-02:00"
  preferred_maintenance_window = "sun:02:30-sun:03:30"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = !var.deletion_protection
  final_snapshot_identifier    = "${var.name}-final"
  delete_automated_backups     = false
  apply_immediately            = false

  enabled_cloudwatch_logs_exports = ["postgresql", "iam-db-auth-error"]
  database_insights_mode          = "standard"

  serverlessv2_scaling_configuration {
    min_capacity             = var.min_acu
    max_capacity             = var.max_acu
    seconds_until_auto_pause = var.min_acu == 0 ? 3600 : null
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  count = 1 + var.readers

  identifier         = "${var.name}-${count.index}"
  cluster_identifier = aws_rds_cluster.this.id
  engine             = aws_rds_cluster.this.engine
  engine_version     = aws_rds_cluster.this.engine_version
  instance_class     = "db.serverless"
  # The first reader scales with the writer, so that it can take over at full size.
  promotion_tier               = min(count.index, 15)
  publicly_accessible          = false
  auto_minor_version_upgrade   = true
  ca_cert_identifier           = "rds-ca-rsa2048-g1"
  copy_tags_to_snapshot        = true
  performance_insights_enabled = true
  # The time that is without charge.
  performance_insights_retention_period = 7
  performance_insights_kms_key_id       = var.key_arn
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  depends_on = [aws_iam_role_policy_attachment.monitoring]
}

# The password of the administrator lives for a month at most. RDS changes it itself: there is no function to keep.
resource "aws_secretsmanager_secret_rotation" "administrator" {
  secret_id          = aws_rds_cluster.this.master_user_secret[0].secret_arn
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = 30
  }
}

# Valkey: counts of requests, events on their way to readers, hot rows. Nothing in it is the only copy of anything, so it
# has replicas for those who wait and no backups.

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-valkey8"
  family      = "valkey8"
  description = "When memory ends, what expires soonest goes first"

  parameter {
    name  = "maxmemory-policy"
    value = "volatile-ttl"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# One user, for the keys of the service and without the commands that empty, read or change the server as a whole. Its
# password is written and never read back: it is in no state.
resource "aws_elasticache_user" "service" {
  user_id              = "${var.name}-service"
  user_name            = "${var.name}-service"
  engine               = "valkey"
  access_string        = "on ~pidima:* +@all -@admin -@dangerous"
  passwords_wo         = var.password
  passwords_wo_version = var.password_version
}

resource "aws_elasticache_user_group" "this" {
  engine        = "valkey"
  user_group_id = var.name
  user_ids      = [aws_elasticache_user.service.user_id]
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:Both follow from replicas, which production must have
  replication_group_id = var.name
  description          = "Shared fast memory of ${var.name}"
  engine               = "valkey"
  engine_version       = "8.1"
  node_type            = var.node_type
  port                 = var.port
  # The client speaks to one primary: cluster mode is off.
  num_cache_clusters         = 1 + var.replicas
  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [var.security_group_id]
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = var.key_arn
  auto_minor_version_upgrade = true
  maintenance_window         = "sun:03:30-sun:04:30"
  snapshot_retention_limit   = 0

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.this

    content {
      destination_type = "cloudwatch-logs"
      destination      = log_delivery_configuration.value.name
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/${var.name}/cache/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

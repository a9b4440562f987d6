# Rows and fast memory.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                  = "pidima-prod"
  engine_version        = "17.7"
  port                  = 5432
  storage_type          = "aurora"
  min_acu               = 2
  max_acu               = 32
  readers               = 1
  backup_retention_days = 35
  deletion_protection   = true
  subnet_ids            = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id     = "sg-1"
  key_arn               = "arn:aws:kms:eu-central-1:123456789012:key/data"
  secrets_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  logs_key_arn          = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  log_retention_days    = 365

  node_type        = "cache.t4g.small"
  replicas         = 2
  password         = "0123456789abcdef0123456789abcdef"
  password_version = 1


}

run "aurora_is_encrypted_private_and_protected" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.kms_key_id == var.key_arn && aws_rds_cluster.this.deletion_protection && !aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.copy_tags_to_snapshot
    error_message = "The cluster must be encrypted, and leave a snapshot."
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 2 && alltrue([for instance in aws_rds_cluster_instance.this : instance.publicly_accessible == false && instance.instance_class == "db.serverless" && instance.performance_insights_enabled && instance.performance_insights_kms_key_id == var.key_arn])
    error_message = "Writer and reader must be private, serverless and watched."
  }

  assert {
    condition     = aws_db_subnet_group.this.subnet_ids == toset(var.subnet_ids) && aws_rds_cluster.this.vpc_security_group_ids == toset(["sg-1"]) && aws_rds_cluster.this.backup_retention_period == 35
    error_message = "The cluster stands in the isolated subnets, with five weeks of backups."
  }

  assert {
    condition     = aws_rds_cluster_instance.this[1].promotion_tier <= 1
    error_message = "The first reader must be as large as the writer."
  }
}

run "aurora_knows_the_administrator_by_a_password_that_nobody_keeps" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_rds_cluster.this.manage_master_user_password && aws_rds_cluster.this.master_password == null && aws_rds_cluster.this.master_user_secret_kms_key_id == var.secrets_key_arn
    error_message = "The password would be in the state."
  }

  assert {
    condition     = aws_rds_cluster.this.iam_database_authentication_enabled && aws_secretsmanager_secret_rotation.administrator.rotation_rules[0].automatically_after_days <= 30
    error_message = "IAM must be open as a way in, and the password changed each month."
  }
}

run "aurora_refuses_connections_without_tls_and_logs_no_value" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1" && { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["rds.accepted_password_auth_method"] == "scram"
    error_message = "A connection without TLS or with a weak hash would be taken."
  }

  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["log_parameter_max_length"] == "0" && { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["log_parameter_max_length_on_error"] == "0"
    error_message = "Texts of tenants would be in the log."
  }

  assert {
    condition     = aws_rds_cluster_parameter_group.this.family == "aurora-postgresql17" && alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.logs_key_arn])
    error_message = "The family must be that of the version, and the logs under their key."
  }
}

run "aurora_sleeps_only_where_it_may" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    min_acu = 0
  }

  assert {
    condition     = aws_rds_cluster.this.serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 3600
    error_message = "A cluster of no capacity must sleep."
  }
}

run "postgresql_16_is_refused" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    engine_version = "16.9"
  }

  expect_failures = [var.engine_version]
}

run "less_capacity_at_most_than_at_least_is_refused" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    max_acu = 1
  }

  expect_failures = [var.max_acu]
}

run "valkey_takes_tls_and_one_user_with_few_rights" {
  module {
    source = "./modules/cache"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled) && aws_elasticache_replication_group.this.kms_key_id == var.key_arn
    error_message = "Valkey must be encrypted on the way and at rest."
  }

  assert {
    condition     = startswith(aws_elasticache_user.service.access_string, "on ~pidima:* ") && strcontains(aws_elasticache_user.service.access_string, "-@admin") && endswith(aws_elasticache_user.service.access_string, "-@dangerous")
    error_message = "The user reaches other keys, or may empty the server."
  }

  assert {
    condition     = aws_elasticache_user.service.passwords == null && aws_elasticache_user.service.passwords_wo_version == 1
    error_message = "The password would be in the state."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.user_group_ids == toset([aws_elasticache_user_group.this.user_group_id]) && aws_elasticache_user_group.this.user_ids == toset([aws_elasticache_user.service.user_id])
    error_message = "Somebody else is let in."
  }
}

run "valkey_goes_on_when_a_node_dies" {
  module {
    source = "./modules/cache"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.num_cache_clusters == 3 && aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "A replica must take over, in another zone."
  }

  assert {
    condition     = one([for parameter in aws_elasticache_parameter_group.this.parameter : parameter.value if parameter.name == "maxmemory-policy"]) == "volatile-ttl"
    error_message = "Full memory must cost what expires soonest."
  }
}

# Rows, fast memory, work, objects, secrets and copies.

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

  lease_seconds = 120
  max_receives  = 20

  logs_bucket     = "pidima-prod-logs"
  recovery_days   = 7
  expiration_days = null
  force_destroy   = false
  log_writers     = {}

  secrets    = { signing-secret = { description = "Signs widget tokens", version = 3 } }
  values     = { signing-secret = "0123456789abcdef0123456789abcdef" }
  parameters = { log = { description = "What is logged", value = "info" } }

  recovery_region = "eu-west-1"
  retention_days  = 35
  resource_arns   = ["arn:aws:rds:eu-central-1:123456789012:cluster:pidima-prod", "arn:aws:s3:::documents"]
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

run "a_message_is_hidden_as_long_as_its_document_is_leased" {
  module {
    source = "./modules/queue"
  }

  assert {
    condition     = aws_sqs_queue.jobs.visibility_timeout_seconds == 120 && aws_sqs_queue.jobs.receive_wait_time_seconds == 20
    error_message = "Lease and visibility differ, or the worker asks in vain."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.jobs.redrive_policy).maxReceiveCount == 20 && jsondecode(aws_sqs_queue.jobs.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead.arn && aws_sqs_queue.dead.message_retention_seconds == 1209600
    error_message = "A message that nobody can deliver must be set aside for two weeks."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead.redrive_allow_policy).redrivePermission == "byQueue"
    error_message = "Another queue could fill the dead letters."
  }
}

run "messages_are_encrypted_and_stay_in_the_account" {
  module {
    source = "./modules/queue"
  }

  assert {
    condition     = aws_sqs_queue.jobs.kms_master_key_id == var.key_arn && aws_sqs_queue.dead.kms_master_key_id == var.key_arn
    error_message = "Messages must be under the key of the queue."
  }

  assert {
    condition     = alltrue([for policy in aws_sqs_queue_policy.this : toset([for s in jsondecode(policy.policy).Statement : s.Effect]) == toset(["Deny"]) && toset([for s in jsondecode(policy.policy).Statement : s.Sid]) == toset(["TlsOnly", "ThisAccountOnly"])])
    error_message = "A policy of a queue must only refuse: without TLS, and other accounts."
  }
}

run "a_message_that_is_hidden_too_shortly_is_refused" {
  command = plan

  module {
    source = "./modules/queue"
  }

  variables {
    lease_seconds = 5
  }

  expect_failures = [var.lease_seconds]
}

run "a_bucket_is_shut_encrypted_and_remembers" {
  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "The bucket could become public."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.key_arn
    error_message = "Objects must be under the key of objects."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && one(aws_s3_bucket_lifecycle_configuration.this.rule).noncurrent_version_expiration[0].noncurrent_days == 7
    error_message = "What was deleted must come back for a week and no longer."
  }

  assert {
    condition     = toset([for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Effect]) == toset(["Deny"]) && contains([for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Sid], "TlsOnly") && aws_s3_bucket_logging.this[0].target_bucket == "pidima-prod-logs"
    error_message = "The bucket must refuse what is not TLS, allow nobody by itself, and be logged."
  }
}

run "logs_are_written_by_services_of_aws_for_this_account_alone" {
  module {
    source = "./modules/bucket"
  }

  variables {
    key_arn         = null
    logs_bucket     = null
    expiration_days = 365
    log_writers     = { "logging.s3.amazonaws.com" = { prefix = "s3/", source_arn = "arn:aws:s3:::pidima-prod-*" } }
  }

  assert {
    condition = [for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : [s.Action, s.Resource, s.Condition.ArnLike["aws:SourceArn"]] if s.Effect == "Allow"] == [
      ["s3:PutObject", "${aws_s3_bucket.this.arn}/s3/*", "arn:aws:s3:::pidima-prod-*"],
    ]
    error_message = "Somebody else could write logs: ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" && one(aws_s3_bucket_lifecycle_configuration.this.rule).expiration[0].days == 365
    error_message = "Logs must be encrypted, and end."
  }
}

run "what_is_erased_does_not_live_for_a_year" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    recovery_days = 365
  }

  expect_failures = [var.recovery_days]
}

run "no_secret_is_in_the_state" {
  module {
    source = "./modules/secrets"
  }

  assert {
    condition     = alltrue([for version in aws_secretsmanager_secret_version.this : (version.secret_string == null || version.secret_string == "") && version.secret_string_wo_version == 3])
    error_message = "A value is kept."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == var.key_arn && secret.name == "pidima-prod/signing-secret"]) && jsondecode(aws_secretsmanager_secret_policy.this["signing-secret"].policy).Statement[0].Effect == "Deny"
    error_message = "A secret must be under its key and stay in the account."
  }
}

run "parameters_are_encrypted_under_the_name_of_the_environment" {
  command = plan

  module {
    source = "./modules/parameters"
  }

  assert {
    condition     = aws_ssm_parameter.this["log"].name == "/pidima-prod/log" && aws_ssm_parameter.this["log"].type == "SecureString" && aws_ssm_parameter.this["log"].key_id == var.key_arn
    error_message = "The parameter is not where it is looked for, or open."
  }
}

run "an_empty_parameter_is_refused" {
  command = plan

  module {
    source = "./modules/parameters"
  }

  variables {
    parameters = { log = { description = "What is logged", value = "" } }
  }

  expect_failures = [var.parameters]
}

run "copies_stand_in_another_region_and_can_not_be_deleted" {
  module {
    source = "./modules/recovery"
  }

  assert {
    condition     = aws_backup_vault.there.region == "eu-west-1" && aws_kms_key.there.region == "eu-west-1" && aws_backup_vault_lock_configuration.there.region == "eu-west-1" && aws_backup_vault_lock_configuration.there.min_retention_days == 7
    error_message = "The copies must be in the other region, under a key of it, and locked."
  }

  assert {
    condition     = one(one(aws_backup_plan.this.rule).copy_action).destination_vault_arn == aws_backup_vault.there.arn && one(one(aws_backup_plan.this.rule).copy_action).lifecycle[0].delete_after == 35
    error_message = "Backups are not copied."
  }

  assert {
    condition     = aws_backup_selection.this.resources == toset(var.resource_arns)
    error_message = "Rows and originals must be backed up."
  }
}

# Work, objects, secrets and copies.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name    = "pidima-prod"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/data"

  lease_seconds = 120
  max_receives  = 20

  own_key         = true
  logged          = true
  logs_bucket     = "pidima-prod-logs"
  recovery_days   = 7
  expiration_days = null
  force_destroy   = false
  log_writers     = {}

  secrets    = { signing-secret = { description = "Signs widget tokens", version = 3 } }
  values     = { signing-secret = "0123456789abcdef0123456789abcdef" }
  parameters = { PIDIMA_LOG = { description = "What is logged", value = "info" } }

  recovery_region = "eu-west-1"
  retention_days  = 35
  resource_arns   = ["arn:aws:rds:eu-central-1:123456789012:cluster:pidima-prod", "arn:aws:s3:::documents"]
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

run "uploads_that_nobody_completes_end_and_no_page_sends_parts_unless_it_is_named" {
  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule).abort_incomplete_multipart_upload[0].days_after_initiation == 2 && one(aws_s3_bucket_lifecycle_configuration.this.rule).status == "Enabled"
    error_message = "Parts of uploads that nobody completed would stay, or end before their day is over."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0
    error_message = "Pages of somebody could write from browsers."
  }
}

run "pages_that_are_named_send_parts_and_see_their_marks" {
  module {
    source = "./modules/bucket"
  }

  variables {
    put_origins = ["https://docs.example.com"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_methods == toset(["PUT"]) && one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_origins == toset(["https://docs.example.com"]) && one(aws_s3_bucket_cors_configuration.this[0].cors_rule).expose_headers == toset(["ETag"])
    error_message = "A page must send parts with PUT, and see the mark of each."
  }
}

run "an_asterisk_for_pages_is_refused" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    put_origins = ["https://*"]
  }

  expect_failures = [var.put_origins]
}

run "logs_are_written_by_services_of_aws_for_this_account_alone" {
  module {
    source = "./modules/bucket"
  }

  variables {
    own_key         = false
    logged          = false
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
    condition     = aws_ssm_parameter.this["PIDIMA_LOG"].name == "/pidima-prod/PIDIMA_LOG" && aws_ssm_parameter.this["PIDIMA_LOG"].type == "SecureString" && aws_ssm_parameter.this["PIDIMA_LOG"].key_id == var.key_arn && output.path == "/pidima-prod/"
    error_message = "The parameter is not where it is looked for, or open."
  }
}

run "an_empty_parameter_is_refused" {
  command = plan

  module {
    source = "./modules/parameters"
  }

  variables {
    parameters = { PIDIMA_LOG = { description = "What is logged", value = "" } }
  }

  expect_failures = [var.parameters]
}

run "copies_stand_in_another_region_and_are_locked" {
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

# One key for each purpose.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "pidima-prod"
}

run "each_purpose_has_a_key_that_changes_every_year" {
  command = plan

  module {
    source = "./modules/keys"
  }

  assert {
    condition     = toset(keys(aws_kms_key.this)) == toset(["database", "cache", "objects", "queue", "secrets", "images", "logs", "alarms"])
    error_message = "A purpose shares the key of another one."
  }

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.deletion_window_in_days == 30])
    error_message = "Keys must be rotated, and deleted late."
  }
}

run "services_use_only_the_keys_that_they_need" {
  command = plan

  module {
    source = "./modules/keys"
  }

  assert {
    condition     = alltrue([for purpose in ["database", "cache", "objects", "queue", "secrets", "images"] : length(jsondecode(aws_kms_key.this[purpose].policy).Statement) == 1])
    error_message = "A key of tenants' data is open to a service by its own policy."
  }

  assert {
    condition     = jsondecode(aws_kms_key.this["logs"].policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:eu-central-1:123456789012:log-group:*"
    error_message = "CloudWatch may use the key of logs for log groups of this account alone."
  }

  assert {
    condition     = jsondecode(aws_kms_key.this["alarms"].policy).Statement[1].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Alarms of other accounts could use the key."
  }
}

run "a_key_that_is_gone_at_once_is_refused" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    deletion_window_days = 1
  }

  expect_failures = [var.deletion_window_days]
}

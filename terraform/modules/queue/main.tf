# Work for the worker, at least once, and the letters that nobody could deliver.

resource "aws_sqs_queue" "jobs" {
  name = "${var.name}-jobs"
  # As long as the lease of a document: the worker extends both together while it works, and a dead worker loses both.
  visibility_timeout_seconds = var.lease_seconds
  receive_wait_time_seconds  = 20
  message_retention_seconds  = 1209600
  # Messages hold ids only.
  max_message_size                  = 8192
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = 300

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue" "dead" {
  name                              = "${var.name}-jobs-dead"
  message_retention_seconds         = 1209600
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = 300
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.jobs.arn]
  })
}

# Rights to send and receive come from the roles of the tasks; here stands what is never right.
resource "aws_sqs_queue_policy" "this" {
  for_each = { jobs = aws_sqs_queue.jobs, dead = aws_sqs_queue.dead }

  queue_url = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ThisAccountOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = each.value.arn
        Condition = { StringNotEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id } }
      },
    ]
  })
}

data "aws_caller_identity" "this" {}

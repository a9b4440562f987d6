# What each kind of task may do, by ARN. The migrate task needs no right of AWS: it speaks to Aurora alone.

locals {
  # A role that connects by IAM may do so as pidima_app and as nobody else.
  connect_statements = var.database.authentication != "iam" ? [] : [{
    Sid      = "ConnectAsTheService"
    Effect   = "Allow"
    Action   = ["rds-db:connect"]
    Resource = ["arn:aws:rds-db:${var.region}:${data.aws_caller_identity.this.account_id}:dbuser:${module.database.resource_id}/pidima_app"]
  }]

  # Without the right to list, S3 answers 403 for an object that is not there, and a lost original could not be told
  # from a lost right. Keys hold ids only.
  list_statement = {
    Sid      = "TellWhatIsNotThere"
    Effect   = "Allow"
    Action   = ["s3:ListBucket"]
    Resource = [module.documents.arn]
  }

  object_key_statement = {
    Sid      = "ObjectsUnderTheirKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [module.keys.arns["objects"]]
    Condition = {
      StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
    }
  }

  service_statements = concat(
    local.connect_statements,
    module.models.chat_statements,
    module.models.embedding_statements,
    [
      {
        Sid      = "KeepOriginals"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${module.documents.arn}/t/*"]
      },
      {
        Sid      = "HandOutExports"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${module.exports.arn}/t/*"]
      },
      local.list_statement,
      local.object_key_statement,
    ],
  )

  # The worker hands the outbox to the queue and takes work from it. It alone deletes originals.
  worker_statements = concat(
    local.connect_statements,
    module.models.embedding_statements,
    [
      {
        Sid      = "ReadAndRemoveOriginals"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:DeleteObject"]
        Resource = ["${module.documents.arn}/t/*"]
      },
      {
        Sid      = "WriteExports"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = ["${module.exports.arn}/t/*"]
      },
      {
        Sid      = "TakeWork"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = [module.queue.arn]
      },
      {
        Sid      = "SetAside"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [module.queue.dead_arn]
      },
      {
        Sid      = "MessagesUnderTheirKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [module.keys.arns["queue"]]
        Condition = {
          StringEquals = { "kms:ViaService" = "sqs.${var.region}.amazonaws.com" }
        }
      },
      local.list_statement,
      local.object_key_statement,
    ],
  )
}

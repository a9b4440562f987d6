# What each kind of task may do, by ARN. The migrate task needs no right of AWS: it speaks to Aurora alone.

locals {
  # Without the right to list, S3 answers 403 for an object that is not there, and a lost original could not be told
  # from a lost right. An upload in parts whose id got lost is found by its key. Keys hold ids only.
  list_statement = {
    Sid      = "TellWhatIsNotThere"
    Effect   = "Allow"
    Action   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
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

  queue_key_statement = {
    Sid      = "MessagesUnderTheirKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [module.keys.arns["queue"]]
    Condition = {
      StringEquals = { "kms:ViaService" = "sqs.${var.region}.amazonaws.com" }
    }
  }

  # What the program reads itself while it runs.
  settings_statements = [
    {
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParametersByPath"]
      Resource = [local.parameters_arn, "${local.parameters_arn}/*"]
    },
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.read_secret_arns
    },
    {
      Sid      = "OpenSettings"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [module.keys.arns["secrets"]]
      Condition = {
        StringEquals = {
          "kms:ViaService" = ["secretsmanager.${var.region}.amazonaws.com", "ssm.${var.region}.amazonaws.com"]
        }
      }
    },
  ]

  parameters_arn = "arn:aws:ssm:${var.region}:${var.account_id}:parameter${trimsuffix(module.parameters.path, "/")}"

  # The collector in a task has the rights of the task. It says what was seen and asks nothing: the program samples itself.
  trace_statements = var.tracing ? [{
    Sid      = "TellTraces"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments"]
    Resource = ["*"] # The action knows no resource.
  }] : []

  # The service stores originals, and removes one that no document came of; it reads those that came in parts, and one for
  # `pidima doctor`. Whoever sends a part does so with its right to write, at an address that it signed. It shows
  # dead letters to the operator and removes them; their work is asked for anew in the database.
  service_statements = concat(
    module.models.chat_statements,
    module.models.embedding_statements,
    local.settings_statements,
    local.trace_statements,
    [
      {
        Sid      = "KeepOriginals"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = ["${module.documents.arn}/t/*"]
      },
      {
        Sid      = "LookAtTheQueue"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes"]
        Resource = [module.queue.arn]
      },
      {
        Sid      = "LookAtDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = [module.queue.dead_arn]
      },
      local.queue_key_statement,
      local.list_statement,
      local.object_key_statement,
    ],
  )

  # The worker hands the line to the queue, asks how much waits there, and takes work from it, reads originals and removes
  # those of deleted documents, stores the pages of sources, writes and reads dumps, and ends uploads that nobody completed.
  worker_statements = concat(
    module.models.embedding_statements,
    local.settings_statements,
    local.trace_statements,
    [
      {
        Sid      = "StoreAndRemoveOriginals"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = ["${module.documents.arn}/t/*"]
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
      local.queue_key_statement,
      local.list_statement,
      local.object_key_statement,
    ],
  )
}

# Two roles, never shared: what ECS needs to start the task, and what the program may do.

data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  region  = data.aws_region.this.region

  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })

  # A key of a JSON secret stands behind its ARN, as `:password::`; rights are given on the secret itself.
  secret_arns = sort(distinct([for value in values(var.secrets) : join(":", slice(split(":", value), 0, 7))]))

  execution_statements = concat(
    [
      {
        Sid      = "RegistryLogin"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"] # The action knows no resource.
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        Resource = concat(var.repository_arns, var.collector[*].repository_arn)
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
    ],
    # Whoever pulls a tag for the first time brings it into the registry.
    [for collector in var.collector[*] : {
      Sid      = "TakeImagesIn"
      Effect   = "Allow"
      Action   = ["ecr:BatchImportUpstreamImage"]
      Resource = [collector.repository_arn]
    } if collector.is_taken_in],
    length(var.secrets) == 0 ? [] : [{
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.secret_arns
    }],
    length(var.secrets) == 0 ? [] : [{
      Sid      = "OpenSecrets"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [var.secrets_key_arn]
      Condition = {
        StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" }
      }
    }],
  )
}

resource "aws_iam_role" "execution" {
  name               = "${local.full_name}-execution"
  description        = "Starts tasks of ${local.full_name}: image, log, secrets"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

resource "aws_iam_role" "task" {
  name               = "${local.full_name}-task"
  description        = "What the containers of ${local.full_name} may do"
  assume_role_policy = local.trust
}

# A role without a statement gets no policy, since an empty one is refused.
resource "aws_iam_role_policy" "task" {
  count = length(var.statements) > 0 ? 1 : 0

  name   = "work"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = var.statements })
}

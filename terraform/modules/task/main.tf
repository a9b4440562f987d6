# One kind of task of the one image: its definition, its log group, its two roles (roles.tf), and the collector of traces
# beside the program (collector.tf).

data "aws_region" "this" {}

locals {
  full_name = "${var.name}-${var.role}"

  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = data.aws_region.this.region
      awslogs-stream-prefix = var.role
      # A sink that blocks must not block requests: lines that find the buffer full are lost.
      mode            = "non-blocking"
      max-buffer-size = "25m"
    }
  }

  container = merge(
    {
      name                   = var.role
      image                  = var.image
      essential              = true
      command                = var.command
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      privileged             = false
      stopTimeout            = var.stop_timeout_seconds
      linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
      mountPoints            = [{ sourceVolume = "scratch", containerPath = "/tmp", readOnly = false }]
      ulimits                = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
      environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
      secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
      logConfiguration       = local.log_configuration
      portMappings           = var.port == null ? [] : [{ name = "http", containerPort = var.port, protocol = "tcp", appProtocol = "http" }]
    },
    var.health_command == null ? {} : {
      healthCheck = { command = concat(["CMD"], var.health_command), interval = 15, timeout = 5, retries = 3, startPeriod = 60 }
    },
    # Each has its share: without a number the program would have nearly no processor beside a collector in need, and a leak of
    # one would end the other. The collector starts first and stops last.
    var.collector == null ? null : {
      cpu       = var.cpu - var.collector.cpu
      memory    = var.memory - var.collector.memory
      dependsOn = [{ containerName = "collector", condition = "START" }]
    },
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/${var.role}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.full_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(concat([local.container], local.collectors))

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  # The root is read-only: uploads and parsers write here.
  volume {
    name = "scratch"
  }

  # The definition before stays active, so that a deployment can go back to it.
  skip_destroy = true
}

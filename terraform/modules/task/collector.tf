# The collector beside the program: it takes the spans of this task alone and sends them to X-Ray. It may fail; the program goes on.

locals {
  # Containers of a task share one network: nobody outside it reaches these.
  collector_address        = "127.0.0.1:4318"
  collector_health_address = "127.0.0.1:13133"

  collector_config = var.collector == null ? null : {
    extensions = { health_check = { endpoint = local.collector_health_address } }
    receivers  = { otlp = { protocols = { http = { endpoint = local.collector_address } } } }

    processors = {
      # Spans are refused before the memory is full; the program tries them again and counts those that it drops.
      memory_limiter = {
        check_interval  = "1s"
        limit_mib       = floor(var.collector.memory * 0.75)
        spike_limit_mib = floor(var.collector.memory * 0.15)
      }
      # X-Ray takes 50 spans a call, and a batch has five seconds.
      batch = { timeout = "1s", send_batch_size = 256, send_batch_max_size = 512 }
    }

    exporters = {
      awsxray = {
        region = data.aws_region.this.region
        # There is no instance whose metadata could be asked.
        local_mode = true
        # What traces are looked for by. None of them tells a tenant.
        indexed_attributes = ["pidima.operation", "request.id", "run.id", "error.type"]
      }
    }

    service = {
      extensions = ["health_check"]
      pipelines  = { traces = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["awsxray"] } }
      telemetry = {
        logs = { level = "warn", encoding = "json" }
        # It serves no metrics of its own: its log tells what it could not send.
        metrics = { level = "none" }
      }
    }
  }

  collectors = var.collector == null ? [] : [{
    name                   = "collector"
    image                  = var.collector.image
    essential              = false
    cpu                    = var.collector.cpu
    memory                 = var.collector.memory
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    privileged             = false
    # It stops after the program (dependsOn in main.tf), with the last spans of the drain: three batches and their time.
    stopTimeout     = 15
    restartPolicy   = { enabled = true, restartAttemptPeriod = 60 }
    linuxParameters = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    environment = [
      { name = "AOT_CONFIG_CONTENT", value = yamlencode(local.collector_config) },
      # It collects garbage before it is killed for its memory.
      { name = "GOMEMLIMIT", value = "${floor(var.collector.memory * 0.8)}MiB" },
    ]
    healthCheck = { command = ["CMD", "/healthcheck"], interval = 30, timeout = 5, retries = 3, startPeriod = 30 }
    logConfiguration = merge(local.log_configuration, {
      options = merge(local.log_configuration.options, { awslogs-stream-prefix = "collector" })
    })
  }]
}

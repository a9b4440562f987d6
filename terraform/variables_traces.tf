# Whether service and worker tell their traces, and by what.

variable "tracing" {
  description = "Whether a collector beside service and worker sends their traces to X-Ray; without it the gateway alone is traced."
  type        = bool
  nullable    = false
  default     = true
}

variable "collector" {
  description = "The collector: image, its tag, and its share of each task: of processors (1024 each) and MiB of memory."
  type = object({
    image  = optional(string, "public.ecr.aws/aws-observability/aws-otel-collector")
    tag    = optional(string, "v0.48.0")
    cpu    = optional(number, 64)
    memory = optional(number, 256)
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^(public\\.ecr\\.aws|\\d{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com)(/[a-z0-9][a-z0-9._-]*)+$", var.collector.image))
    error_message = "collector.image must be a repository of public.ecr.aws, or of ECR such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/collector, without a tag: tasks may pull from nowhere else."
  }

  validation {
    condition     = can(regex("^v\\d+\\.\\d+\\.\\d+$", var.collector.tag))
    error_message = "collector.tag must be a version such as v0.48.0: latest is another program tomorrow."
  }

  validation {
    condition     = var.collector.cpu >= 32 && var.collector.memory >= 128
    error_message = "collector.cpu must be at least 32, and collector.memory 128: it would be killed again and again."
  }

  validation {
    condition     = !var.tracing || (2 * var.collector.cpu <= min(var.service.cpu, var.worker.cpu) && 2 * var.collector.memory <= var.service.memory)
    error_message = "collector must leave service and worker half of their processors, and the service half of its memory: enlarge them, or lower collector.cpu and collector.memory."
  }

  validation {
    condition     = !var.tracing || var.worker.memory - var.collector.memory >= local.worker_memory + local.parser_memory
    error_message = "worker.memory must hold the worker and a file that it reads beside the collector: enlarge it, or lower collector.memory."
  }
}

variable "name" {
  description = "Prefix of all names."
  type        = string
  nullable    = false
}

variable "role" {
  description = "What the task is: service, worker or migrate."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["service", "worker", "migrate"], var.role)
    error_message = "role must be service, worker or migrate."
  }
}

variable "image" {
  description = "The image, by digest."
  type        = string
  nullable    = false
}

variable "command" {
  description = "Arguments of the program."
  type        = list(string)
  nullable    = false
}

variable "health_command" {
  description = "Program and arguments that tell whether the container is alive; null: it has no sign of life but running."
  type        = list(string)
  default     = null
}

variable "port" {
  description = "Port on which it serves HTTP; null: none."
  type        = number
  default     = null
}

variable "cpu" {
  description = "Share of processors, 1024 each."
  type        = number
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu must be one of 256, 512, 1024, 2048, 4096, 8192, 16384."
  }
}

variable "memory" {
  description = "Memory in MiB."
  type        = number
  nullable    = false

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu
    error_message = "memory must be from 2 to 8 MiB for each unit of cpu, as Fargate wants it."
  }
}

variable "stop_timeout_seconds" {
  description = "Time between SIGTERM and SIGKILL."
  type        = number
  nullable    = false

  validation {
    condition     = var.stop_timeout_seconds >= 2 && var.stop_timeout_seconds <= 120
    error_message = "stop_timeout_seconds must be from 2 to 120, the most that Fargate waits."
  }
}

variable "collector" {
  description = "Collector of traces beside the program: image, its share of cpu and memory, the repository that the image is pulled from, and whether that is filled by its first pull; null: none."
  type = object({
    image          = string
    cpu            = number
    memory         = number
    repository_arn = string
    is_taken_in    = bool
  })
  default = null

  validation {
    condition     = var.collector == null ? true : var.collector.cpu < var.cpu && var.collector.memory < var.memory
    error_message = "collector must leave the program a part of cpu and memory."
  }
}

variable "environment" {
  description = "Settings that are no secrets."
  type        = map(string)
  nullable    = false
}

variable "secrets" {
  description = "Settings from Secrets Manager that hold until the task ends: variable to ARN, with `:key::` behind it for one key of a JSON secret."
  type        = map(string)
  nullable    = false
}

variable "statements" {
  description = "What the program may do: statements of a policy."
  type        = any
  nullable    = false
}

variable "repository_arns" {
  description = "Repositories that images are pulled from."
  type        = list(string)
  nullable    = false
}

variable "secrets_key_arn" {
  description = "Key of secrets."
  type        = string
  nullable    = false
}

variable "logs_key_arn" {
  description = "Key of the log group."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  nullable    = false
}

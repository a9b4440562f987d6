# How large an environment is. Prices: see cost.py and the README.

variable "image_digest" {
  description = "Digest of the image of Pidima in the repository of this environment."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest must be sha256: and 64 hexadecimal digits: a tag can be moved to other bytes."
  }
}

variable "service" {
  description = "Tasks that serve HTTP: size of each, number at least and at most."
  type = object({
    cpu       = number
    memory    = number
    min_tasks = number
    max_tasks = number
  })
  nullable = false

  validation {
    condition     = var.service.min_tasks >= 2 || var.environment != "prod"
    error_message = "service.min_tasks must be at least 2 in prod: one task is an outage at each deployment of a zone."
  }

  validation {
    condition     = var.service.max_tasks >= var.service.min_tasks
    error_message = "service.max_tasks must not be below service.min_tasks."
  }
}

variable "worker" {
  description = "Tasks that read documents: size of each, number at least and at most."
  type = object({
    cpu       = number
    memory    = number
    min_tasks = number
    max_tasks = number
  })
  nullable = false

  validation {
    condition     = var.worker.max_tasks >= var.worker.min_tasks
    error_message = "worker.max_tasks must not be below worker.min_tasks."
  }
}

variable "database" {
  description = "Aurora: version, capacity in ACUs, readers, backups, and connections of each task."
  type = object({
    engine_version        = string
    storage_type          = optional(string, "aurora")
    min_acu               = number
    max_acu               = number
    readers               = number
    backup_retention_days = number
    pool_size             = optional(number, 20)
  })
  nullable = false

  validation {
    condition     = var.database.pool_size >= 2 && var.database.pool_size <= 500
    error_message = "database.pool_size must be from 2 to 500."
  }

  validation {
    condition     = (var.service.max_tasks + var.worker.max_tasks) * var.database.pool_size <= 0.8 * min(var.database.min_acu <= 1 ? 2000 : 5000, floor(var.database.max_acu * 2147483648 / 9531392))
    error_message = "All tasks together could open more connections than four fifths of what Aurora allows at database.max_acu: lower database.pool_size or max_tasks, or raise max_acu (and min_acu above 1, beyond 2000 connections)."
  }

  validation {
    condition     = var.environment != "prod" || (var.database.min_acu >= 0.5 && var.database.readers >= 1 && var.database.backup_retention_days >= 14)
    error_message = "In prod the database needs min_acu of at least 0.5 (it must not sleep), a reader to take over, and 14 days of backups."
  }
}

variable "cache" {
  description = "Valkey: size of a node, and replicas."
  type = object({
    node_type = string
    replicas  = number
  })
  nullable = false

  validation {
    condition     = var.cache.replicas >= 1 || var.environment != "prod"
    error_message = "cache.replicas must be at least 1 in prod: without one there is no failover."
  }
}

variable "limits" {
  description = "What is let in: a second and at once by the gateway, in five minutes of an address by the firewall."
  type = object({
    requests_per_second    = number
    burst                  = number
    requests_per_5_minutes = optional(number, 40000)
    logins_per_5_minutes   = optional(number, 300)
  })
  nullable = false
}

variable "document_recovery_days" {
  description = "Days that a deleted original can be brought back, and after which it is gone for good."
  type        = number
  nullable    = false
  default     = 7
}

variable "upload_origins" {
  description = "Origins whose pages may send the parts of large files to the bucket of documents, such as https://docs.example.com."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "export_days" {
  description = "Days that an export can be fetched."
  type        = number
  nullable    = false
  default     = 7
}

variable "sampling" {
  description = "Shares of questions and of other requests that the gateway traces; tasks go on with those traces, and trace their own beginnings by the second share."
  type = object({
    questions = number
    rest      = number
  })
  nullable = false
}

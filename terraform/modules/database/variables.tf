variable "name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false
}

variable "engine_version" {
  description = "Version of Aurora PostgreSQL, 17 or newer; 17.4 and later bring pgvector 0.8."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d+\\.\\d+$", var.engine_version)) && try(tonumber(split(".", var.engine_version)[0]) >= 17, false)
    error_message = "engine_version must be a version of Aurora PostgreSQL from 17 on, such as 17.7."
  }
}

variable "port" {
  description = "Port of the cluster."
  type        = number
  nullable    = false
}

variable "storage_type" {
  description = "aurora: reads and writes are paid one by one; aurora-iopt1: they are in the price, which pays above a quarter of the bill."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["aurora", "aurora-iopt1"], var.storage_type)
    error_message = "storage_type must be aurora or aurora-iopt1."
  }
}

variable "min_acu" {
  description = "Capacity at least, in ACUs of about 2 GiB; 0: the cluster sleeps after an hour without connections, which means without tasks."
  type        = number
  nullable    = false

  validation {
    condition     = var.min_acu >= 0 && var.min_acu <= 256 && floor(var.min_acu * 2) == var.min_acu * 2
    error_message = "min_acu must be from 0 to 256 in steps of 0.5."
  }
}

variable "max_acu" {
  description = "Capacity at most, in ACUs; it also bounds max_connections."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_acu >= max(1, var.min_acu) && var.max_acu <= 256
    error_message = "max_acu must be from 1 to 256 and not below min_acu."
  }
}

variable "readers" {
  description = "Instances beside the writer, each ready to take over."
  type        = number
  nullable    = false

  validation {
    condition     = var.readers >= 0 && var.readers <= 15 && floor(var.readers) == var.readers
    error_message = "readers must be from 0 to 15."
  }
}

variable "backup_retention_days" {
  description = "Days back to which the cluster can be restored."
  type        = number
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether the cluster refuses to be deleted, and leaves a snapshot when it is."
  type        = bool
  nullable    = false
}

variable "subnet_ids" {
  description = "Isolated subnets, one a zone."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the cluster."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "Key of the rows, the backups and the performance data."
  type        = string
  nullable    = false
}

variable "secrets_key_arn" {
  description = "Key of the administrator's password."
  type        = string
  nullable    = false
}

variable "logs_key_arn" {
  description = "Key of the log groups."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  nullable    = false
}

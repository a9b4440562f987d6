variable "cluster_arn" {
  description = "Cluster that it runs in."
  type        = string
  nullable    = false
}

variable "cluster_name" {
  description = "Name of that cluster."
  type        = string
  nullable    = false
}

variable "definition_arn" {
  description = "What it runs."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets, one a zone."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the tasks."
  type        = string
  nullable    = false
}

variable "queue_name" {
  description = "Queue whose messages it takes."
  type        = string
  nullable    = false
}

variable "backlog_per_task" {
  description = "Messages that may wait for each task before tasks are added."
  type        = number
  nullable    = false
  default     = 10

  validation {
    condition     = var.backlog_per_task >= 1
    error_message = "backlog_per_task must be at least 1."
  }
}

variable "min_tasks" {
  description = "Tasks at least: one also hands the outbox to the queue and ends the runs of dead instances."
  type        = number
  nullable    = false

  validation {
    condition     = var.min_tasks >= 1
    error_message = "min_tasks of the worker must be at least 1: without a worker nothing reaches the queue, and the answers of dead instances never end."
  }
}

variable "max_tasks" {
  description = "Tasks at most."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_tasks >= var.min_tasks
    error_message = "max_tasks of the worker must not be below min_tasks."
  }
}

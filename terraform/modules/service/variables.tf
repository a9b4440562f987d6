variable "name" {
  description = "Prefix of the alarms."
  type        = string
  nullable    = false
}

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

variable "container_name" {
  description = "Container that serves HTTP."
  type        = string
  nullable    = false
}

variable "port" {
  description = "Port of that container."
  type        = number
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

variable "target_group_arn" {
  description = "Target group that the tasks join; its listener must exist."
  type        = string
  nullable    = false
}

variable "load_balancer_dimension" {
  description = "Name of the load balancer in metrics."
  type        = string
  nullable    = false
}

variable "target_group_dimension" {
  description = "Name of the target group in metrics."
  type        = string
  nullable    = false
}

variable "min_tasks" {
  description = "Tasks at least."
  type        = number
  nullable    = false

  validation {
    condition     = var.min_tasks >= 1
    error_message = "min_tasks of the service must be at least 1."
  }
}

variable "max_tasks" {
  description = "Tasks at most."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_tasks >= var.min_tasks
    error_message = "max_tasks of the service must not be below min_tasks."
  }
}

variable "response_time_seconds" {
  description = "Time to the head of a response, of the slowest 5 in 100, above which tasks are added."
  type        = number
  nullable    = false
  default     = 1
}

variable "name" {
  description = "Name of the replication group."
  type        = string
  nullable    = false
}

variable "node_type" {
  description = "Size of each node."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "node_type must be a size of ElastiCache, such as cache.t4g.small."
  }
}

variable "replicas" {
  description = "Replicas of the primary, one a zone; without one there is no failover."
  type        = number
  nullable    = false

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "replicas must be from 0 to 5."
  }
}

variable "port" {
  description = "Port of Valkey."
  type        = number
  nullable    = false
}

variable "password" {
  description = "Password of the service's user; null once it is set, until it is to be changed."
  type        = string
  sensitive   = true
  ephemeral   = true
  default     = null
}

variable "password_version" {
  description = "Counts up with each new password."
  type        = number
  nullable    = false
}

variable "subnet_ids" {
  description = "Isolated subnets, one a zone."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the nodes."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "Key of what is at rest."
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

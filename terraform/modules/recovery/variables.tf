variable "name" {
  description = "Name of plan and vaults."
  type        = string
  nullable    = false
}

variable "recovery_region" {
  description = "Region of the copies."
  type        = string
  nullable    = false
}

variable "retention_days" {
  description = "Days that backups and their copies are kept. What a tenant erased lives as long in them."
  type        = number
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 365
    error_message = "retention_days of copies must be from 7 to 365."
  }
}

variable "resource_arns" {
  description = "What is backed up: the cluster of Aurora and the bucket of originals."
  type        = list(string)
  nullable    = false
}

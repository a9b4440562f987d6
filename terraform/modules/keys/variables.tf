variable "name" {
  description = "Prefix of the aliases."
  type        = string
  nullable    = false
}

variable "deletion_window_days" {
  description = "Days between the order to delete a key and its end, 7 to 30."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "deletion_window_days must be from 7 to 30."
  }
}

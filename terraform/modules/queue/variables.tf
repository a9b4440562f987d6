variable "name" {
  description = "Prefix of the names of the queues."
  type        = string
  nullable    = false
}

variable "lease_seconds" {
  description = "How long a message is its worker's before another may take it: the lease of a document."
  type        = number
  nullable    = false

  validation {
    condition     = var.lease_seconds >= 30 && var.lease_seconds <= 43200
    error_message = "lease_seconds must be from 30 to 43200, the longest that SQS hides a message."
  }
}

variable "max_receives" {
  description = "Deliveries after which a message is set aside."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_receives >= 1 && var.max_receives <= 1000
    error_message = "max_receives must be from 1 to 1000."
  }
}

variable "key_arn" {
  description = "Key of the messages."
  type        = string
  nullable    = false
}

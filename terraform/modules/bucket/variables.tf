variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "The name of a bucket must be 3 to 63 of a-z, 0-9 and -."
  }
}

variable "own_key" {
  description = "Whether objects are under `key_arn`, or under the key of S3: services that write logs can use no other."
  type        = bool
  nullable    = false
}

variable "key_arn" {
  description = "Key of the objects."
  type        = string
  default     = null
}

variable "logged" {
  description = "Whether accesses are logged: false for the bucket of logs itself."
  type        = bool
  nullable    = false
}

variable "logs_bucket" {
  description = "Bucket of the access log."
  type        = string
  default     = null
}

variable "recovery_days" {
  description = "Days that a deleted or replaced object can be brought back."
  type        = number
  nullable    = false

  validation {
    condition     = var.recovery_days >= 1 && var.recovery_days <= 90
    error_message = "recovery_days must be from 1 to 90: what a tenant erases must be gone in time."
  }
}

variable "expiration_days" {
  description = "Days after which objects end by themselves; null: never."
  type        = number
  default     = null
}

variable "log_writers" {
  description = "Services of AWS that write logs here, each with the beginning of its keys and the resources whose logs it writes."
  type = map(object({
    prefix     = string
    source_arn = string
  }))
  nullable = false
  default  = {}
}

variable "force_destroy" {
  description = "Whether the bucket can be deleted with what is in it."
  type        = bool
  nullable    = false
}

variable "upload_days" {
  description = "Days after which an upload in parts that nobody completed is removed: longer than the service lets one take."
  type        = number
  nullable    = false
  default     = 2

  validation {
    condition     = var.upload_days >= 2 && var.upload_days <= 30
    error_message = "upload_days must be from 2 to 30: an upload may take a day, and its parts are paid for until they are removed."
  }
}

variable "put_origins" {
  description = "Origins whose pages may send objects here from a browser, to addresses that are signed; none by default."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for origin in var.put_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "put_origins must be addresses such as https://docs.example.com, without a path and without an asterisk."
  }
}

variable "name" {
  description = "Prefix of the names."
  type        = string
  nullable    = false
}

variable "secrets" {
  description = "Secrets by name: what each is for, and a version that counts up with each new value."
  type = map(object({
    description = string
    version     = number
  }))
  nullable = false
}

variable "values" {
  description = "Values by name; a value is needed when its secret is made and when its version counts up, else null."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
  nullable    = false
}

variable "key_arn" {
  description = "Key of the secrets."
  type        = string
  nullable    = false
}

variable "recovery_days" {
  description = "Days that a deleted secret can be brought back: 0, or 7 to 30."
  type        = number
  nullable    = false

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days of secrets must be 0, or from 7 to 30."
  }
}

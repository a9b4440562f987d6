variable "name" {
  description = "Name of the web ACL."
  type        = string
  nullable    = false
}

variable "guarded" {
  description = "What stands behind the firewall: ARNs of the stage and of the user pool."
  type        = map(string)
  nullable    = false
}

variable "requests_per_5_minutes" {
  description = "Requests of an address in five minutes above which it is refused; keep it above what the service itself allows an address, which answers better."
  type        = number
  nullable    = false

  validation {
    condition     = var.requests_per_5_minutes >= 100 && var.requests_per_5_minutes <= 2000000000
    error_message = "requests_per_5_minutes must be from 100 to 2000000000."
  }
}

variable "logins_per_5_minutes" {
  description = "Tries of an address to log in with a password, in five minutes."
  type        = number
  nullable    = false

  validation {
    condition     = var.logins_per_5_minutes >= 10 && var.logins_per_5_minutes <= 2000000000
    error_message = "logins_per_5_minutes must be from 10 to 2000000000."
  }
}

variable "operator_cidrs" {
  description = "Addresses from which /v1/platform can be reached; empty: from nowhere outside."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.operator_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "operator_cidrs must be IPv4 ranges such as 203.0.113.7/32, and none of them the whole internet."
  }
}

variable "logs_key_arn" {
  description = "Key of the log group."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that the log of the firewall is kept."
  type        = number
  nullable    = false
}

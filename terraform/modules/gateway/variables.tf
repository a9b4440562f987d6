variable "name" {
  description = "Name of the API."
  type        = string
  nullable    = false
}

variable "stage_name" {
  description = "Name of the stage; clients do not see it."
  type        = string
  nullable    = false
}

variable "public_name" {
  description = "Name under which browsers and programs reach the service."
  type        = string
  nullable    = false
}

variable "zone_id" {
  description = "Hosted zone of the public name."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of the public name."
  type        = string
  nullable    = false
}

variable "load_balancer_arn" {
  description = "The internal load balancer."
  type        = string
  nullable    = false
}

variable "host_name" {
  description = "Name in the certificate of the load balancer."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets of the link, one a zone."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the link."
  type        = string
  nullable    = false
}

variable "user_pool_arn" {
  description = "User pool whose access tokens are let into the tree of tokens."
  type        = string
  nullable    = false
}

variable "read_scopes" {
  description = "Scopes of which an access token needs one to read."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.read_scopes) > 0
    error_message = "read_scopes must not be empty: without a scope the gateway would take ID tokens."
  }
}

variable "write_scopes" {
  description = "Scopes of which an access token needs one for anything else."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.write_scopes) > 0
    error_message = "write_scopes must not be empty: without a scope the gateway would take ID tokens."
  }
}

variable "rate_per_second" {
  description = "Requests a second that the stage lets through."
  type        = number
  nullable    = false
}

variable "burst" {
  description = "Requests at once that the stage lets through."
  type        = number
  nullable    = false
}

variable "logs_key_arn" {
  description = "Key of the log group."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that access logs are kept."
  type        = number
  nullable    = false
}

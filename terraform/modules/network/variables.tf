variable "name" {
  description = "Prefix of all names."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "Addresses of the network: a private /16."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(10\\.\\d+|172\\.(1[6-9]|2\\d|3[01])|192\\.168)\\.0\\.0/16$", var.cidr))
    error_message = "cidr must be a private /16, such as 10.20.0.0/16."
  }
}

variable "zones" {
  description = "The three availability zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones must name three different availability zones."
  }
}

variable "nat_in_each_zone" {
  description = "Whether each zone has a way out of its own, or all share that of the first zone."
  type        = bool
  nullable    = false
}

variable "endpoints_in_each_zone" {
  description = "Whether interface endpoints stand in each zone, or in the first one only."
  type        = bool
  nullable    = false
}

variable "traces" {
  description = "Whether tasks send traces to X-Ray, which takes an endpoint more."
  type        = bool
  nullable    = false
}

variable "endpoints_security_group_id" {
  description = "Security group of the interface endpoints."
  type        = string
  nullable    = false
}

variable "bucket_arns" {
  description = "Buckets that can be reached through the endpoint of S3."
  type        = list(string)
  nullable    = false
}

variable "logs_key_arn" {
  description = "Key of the log group."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number
  nullable    = false
}

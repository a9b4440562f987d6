variable "name" {
  description = "Prefix of the names of the groups."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "The network."
  type        = string
  nullable    = false
}

variable "s3_prefix_list_id" {
  description = "Addresses of S3."
  type        = string
  nullable    = false
}

variable "service_port" {
  description = "Port on which tasks serve HTTP."
  type        = number
  nullable    = false
}

variable "database_port" {
  description = "Port of Aurora."
  type        = number
  nullable    = false
}

variable "cache_port" {
  description = "Port of Valkey."
  type        = number
  nullable    = false
}

variable "internet" {
  description = "Whether tasks may reach addresses outside AWS by TLS: login providers and model servers."
  type        = bool
  nullable    = false
}

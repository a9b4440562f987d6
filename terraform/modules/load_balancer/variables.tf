variable "name" {
  description = "Name of the load balancer, 24 characters at most."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "The network."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets, one a zone."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the load balancer."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of `host_name`."
  type        = string
  nullable    = false
}

variable "host_name" {
  description = "The only host that is answered: the name that API Gateway sends."
  type        = string
  nullable    = false
}

variable "stage_name" {
  description = "Stage of API Gateway, which may stand before the path."
  type        = string
  nullable    = false
}

variable "service_port" {
  description = "Port on which tasks serve HTTP."
  type        = number
  nullable    = false
}

variable "idle_timeout_seconds" {
  description = "Silence after which a connection is closed."
  type        = number
  nullable    = false

  validation {
    condition     = var.idle_timeout_seconds >= 30 && var.idle_timeout_seconds < 75
    error_message = "idle_timeout_seconds must be from 30 to 74: twice the heartbeat of a stream, and below the 75 seconds after which the service closes idle connections."
  }
}

variable "drain_seconds" {
  description = "Time that requests have to end at a task that leaves."
  type        = number
  nullable    = false
}

variable "logs_bucket" {
  description = "Bucket of the access logs."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted."
  type        = bool
  nullable    = false
}

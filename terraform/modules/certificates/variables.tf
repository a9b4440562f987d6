variable "public_name" {
  description = "Name under which browsers and programs reach the service."
  type        = string
  nullable    = false
}

variable "internal_name" {
  description = "Name that API Gateway checks in the certificate of the load balancer; it needs no address in DNS."
  type        = string
  nullable    = false
}

variable "zone_id" {
  description = "Public hosted zone of Route 53 that holds both names."
  type        = string
  nullable    = false
}

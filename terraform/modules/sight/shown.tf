# Names of what is shown.

variable "api_name" {
  description = "API Gateway."
  type        = string
  nullable    = false
}

variable "stage_name" {
  description = "Stage of API Gateway."
  type        = string
  nullable    = false
}

variable "web_acl_name" {
  description = "Firewall."
  type        = string
  nullable    = false
}

variable "load_balancer_dimension" {
  description = "Load balancer, as metrics name it."
  type        = string
  nullable    = false
}

variable "cluster_name" {
  description = "Cluster of ECS."
  type        = string
  nullable    = false
}

variable "service_name" {
  description = "Service in the cluster."
  type        = string
  nullable    = false
}

variable "worker_name" {
  description = "Worker in the cluster."
  type        = string
  nullable    = false
}

variable "database_identifier" {
  description = "Cluster of Aurora."
  type        = string
  nullable    = false
}

variable "cache_id" {
  description = "Replication group of Valkey."
  type        = string
  nullable    = false
}

variable "queue_name" {
  description = "Queue of work."
  type        = string
  nullable    = false
}

variable "dead_queue_name" {
  description = "Queue of dead letters."
  type        = string
  nullable    = false
}

variable "chat_model_id" {
  description = "Model or profile, as metrics of Bedrock name it."
  type        = string
  nullable    = false
}

variable "gateway_log_group" {
  description = "Access log of the gateway."
  type        = string
  nullable    = false
}

variable "service_log_group" {
  description = "Log of the service."
  type        = string
  nullable    = false
}

variable "worker_log_group" {
  description = "Log of the worker."
  type        = string
  nullable    = false
}

variable "firewall_log_group" {
  description = "Log of the firewall."
  type        = string
  nullable    = false
}

variable "network_log_group" {
  description = "Flow log of the network."
  type        = string
  nullable    = false
}

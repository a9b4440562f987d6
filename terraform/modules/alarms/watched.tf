# Names of what is watched.

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

variable "load_balancer_dimension" {
  description = "Load balancer, as metrics name it."
  type        = string
  nullable    = false
}

variable "target_group_dimension" {
  description = "Target group, as metrics name it."
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

variable "min_service_tasks" {
  description = "Tasks of the service that must run."
  type        = number
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

variable "max_connections" {
  description = "Connections to Aurora above which somebody is told."
  type        = number
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

variable "web_acl_name" {
  description = "Firewall."
  type        = string
  nullable    = false
}

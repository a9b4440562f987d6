variable "name" {
  description = "Prefix of all names."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "Value of the tag by which costs are counted."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region, as metrics of the firewall name it."
  type        = string
  nullable    = false
}

variable "urgent_subscribers" {
  description = "Addresses that are woken: e-mail, or https of a pager."
  type        = set(string)
  nullable    = false
}

variable "notice_subscribers" {
  description = "Addresses that read in the morning."
  type        = set(string)
  nullable    = false
}

variable "alarms_key_arn" {
  description = "Key of the topics."
  type        = string
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "What a month may cost."
  type        = number
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "availability_objective" {
  description = "Requests in 100 that must not end with an error of ours."
  type        = number
  nullable    = false
  default     = 99.9

  validation {
    condition     = var.availability_objective >= 90 && var.availability_objective < 100
    error_message = "availability_objective must be from 90 to below 100: a promise of 100 leaves no budget."
  }
}

variable "answers_objective" {
  description = "Questions in 100 that were taken and must end with an answer."
  type        = number
  nullable    = false
  default     = 99.5
}

variable "metrics" {
  description = "Metrics of the service's log: questions that were taken (runs), and those that got no answer (runs_failed)."
  type = map(object({
    namespace = string
    metric    = string
  }))
  nullable = false
}

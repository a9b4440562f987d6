variable "name" {
  description = "Prefix of all names."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the graphs."
  type        = string
  nullable    = false
}

variable "alarm_arns" {
  description = "Alarms at the top of the page."
  type        = list(string)
  nullable    = false
}

variable "levels" {
  description = "Metrics of the service's log: questions that were taken, and those that got no answer."
  type = map(object({
    namespace = string
    metric    = string
  }))
  nullable = false
}

variable "sampled_questions" {
  description = "Share of questions that are traced, beyond the first five of a second."
  type        = number
  nullable    = false

  validation {
    condition     = var.sampled_questions >= 0 && var.sampled_questions <= 1
    error_message = "sampled_questions must be a share from 0 to 1."
  }
}

variable "sampled_rest" {
  description = "Share of other requests that are traced, beyond the first one of a second."
  type        = number
  nullable    = false

  validation {
    condition     = var.sampled_rest >= 0 && var.sampled_rest <= 1
    error_message = "sampled_rest must be a share from 0 to 1."
  }
}

# What an environment is called, where it stands, and who is told.

variable "environment" {
  description = "dev, staging or prod."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment must be dev, staging or prod."
  }
}

variable "account_id" {
  description = "Account in which everything is made; credentials of another one are refused."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account."
  }
}

variable "region" {
  description = "Region of everything but the copies of backups."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}-[a-z]+-\\d$", var.region))
    error_message = "region must be a region of AWS, such as eu-central-1."
  }
}

variable "zones" {
  description = "Three availability zones of the region."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3 && alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones must name three different availability zones of the region."
  }
}

variable "cidr" {
  description = "Addresses of the network: a private /16, another one in each environment."
  type        = string
  nullable    = false
}

variable "public_name" {
  description = "Name under which the service is reached, such as docs.example.com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.public_name))
    error_message = "public_name must be a name in lower case without https:// and path, such as docs.example.com."
  }
}

variable "hosted_zone_id" {
  description = "Public hosted zone of Route 53 that holds public_name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^Z[A-Z0-9]{5,31}$", var.hosted_zone_id))
    error_message = "hosted_zone_id must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "owner" {
  description = "Who answers for this environment; a tag of everything."
  type        = string
  nullable    = false
}

variable "cost_center" {
  description = "Who pays for it; a tag of everything."
  type        = string
  nullable    = false
}

variable "protected" {
  description = "Whether database, user pool, load balancer and buckets refuse to be deleted."
  type        = bool
  nullable    = false

  validation {
    condition     = var.protected || var.environment != "prod"
    error_message = "protected must be true in prod."
  }
}

variable "nat_in_each_zone" {
  description = "Whether each zone has a way out of its own; otherwise the loss of the first zone shuts it for all."
  type        = bool
  nullable    = false

  validation {
    condition     = var.nat_in_each_zone || var.environment != "prod"
    error_message = "nat_in_each_zone must be true in prod: one zone must not shut the way out of the others."
  }
}

variable "endpoints_in_each_zone" {
  description = "Whether endpoints of AWS services stand in each zone, or in the first one."
  type        = bool
  nullable    = false

  validation {
    condition     = var.endpoints_in_each_zone || var.environment != "prod"
    error_message = "endpoints_in_each_zone must be true in prod: one zone must not shut the way to AWS of the others."
  }
}

variable "recovery" {
  description = "Region of the copies of backups and days that they are kept; null: no copies."
  type = object({
    region         = string
    retention_days = number
  })
  default = null

  validation {
    condition     = var.recovery != null || var.environment != "prod"
    error_message = "recovery must be set in prod: without copies the loss of the region is the loss of the data."
  }

  validation {
    condition     = var.recovery == null ? true : var.recovery.region != var.region
    error_message = "recovery.region must be another region than region."
  }
}

variable "operator_cidrs" {
  description = "Addresses from which /v1/platform, the operator's part of the API, can be reached; empty: from nowhere."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the times that CloudWatch knows, such as 30, 90 or 365."
  }

  validation {
    condition     = var.log_retention_days >= 365 || var.environment != "prod"
    error_message = "log_retention_days must be at least 365 in prod: an incident is often found months later."
  }
}

variable "urgent_subscribers" {
  description = "Who is woken by an alarm: e-mail addresses, or https addresses of a pager."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.urgent_subscribers) > 0 || var.environment != "prod"
    error_message = "urgent_subscribers must not be empty in prod: an alarm that nobody hears is none."
  }

  validation {
    condition     = alltrue([for subscriber in var.urgent_subscribers : can(regex("^(https://|[^@ ]+@[^@ ]+\\.[^@ ]+$)", subscriber))])
    error_message = "urgent_subscribers must be e-mail addresses or begin with https://."
  }
}

variable "notice_subscribers" {
  description = "Who reads what can wait, and the warnings of the budget."
  type        = set(string)
  nullable    = false
  default     = []
}

variable "monthly_budget_usd" {
  description = "What a month may cost, in US dollars."
  type        = number
  nullable    = false
}

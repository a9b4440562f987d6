# Models and logins.

variable "chat_model" {
  description = "Model of Bedrock that answers: its id, the profile of AWS that spreads it over regions (null: none), and those regions."
  type = object({
    model   = string
    profile = optional(string)
    regions = list(string)
  })
  nullable = false
}

variable "embedding_model" {
  description = "Model of Bedrock that embeds; a change means that everything is embedded anew."
  type        = string
  nullable    = false
  default     = "amazon.titan-embed-text-v2:0"
}

variable "openai" {
  description = "A server that speaks OpenAI's API, beside Bedrock; null: none. Whether it is asked is a parameter, /pidima-<environment>/model-providers."
  type = object({
    base_url = string
    model    = string
  })
  default = null

  validation {
    condition     = var.openai == null ? true : startswith(var.openai.base_url, "https://")
    error_message = "openai.base_url must begin with https://: questions and passages of tenants go there."
  }
}

variable "login" {
  description = "Cognito: first part of the address of the login pages, clients of machines with their scopes, groups, and whether a second factor is required."
  type = object({
    domain_prefix          = string
    machine_clients        = optional(map(set(string)), {})
    groups                 = optional(set(string), [])
    second_factor_required = bool
  })
  nullable = false

  validation {
    condition     = var.login.second_factor_required || var.environment != "prod"
    error_message = "login.second_factor_required must be true in prod."
  }
}

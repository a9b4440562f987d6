variable "name" {
  description = "Prefix of all names."
  type        = string
  nullable    = false
}

variable "chat_model" {
  description = "Model that answers: its id, the profile of AWS that spreads it over regions (null: none), and those regions."
  type = object({
    model   = string
    profile = optional(string)
    regions = list(string)
  })
  nullable = false

  validation {
    condition     = length(var.chat_model.regions) > 0 && !strcontains(var.chat_model.model, "*")
    error_message = "chat_model needs the regions that its profile reaches, and one model without an asterisk."
  }
}

variable "embedding_model" {
  description = "Model that embeds passages and questions."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9.:-]+$", var.embedding_model))
    error_message = "embedding_model must be the id of one model, such as amazon.titan-embed-text-v2:0."
  }
}

variable "filter_strength" {
  description = "How strict the filters of the guardrail are: LOW, MEDIUM or HIGH."
  type        = string
  nullable    = false
  default     = "MEDIUM"

  validation {
    condition     = contains(["LOW", "MEDIUM", "HIGH"], var.filter_strength)
    error_message = "filter_strength must be LOW, MEDIUM or HIGH."
  }
}

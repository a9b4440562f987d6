# Values of secrets. Ephemeral: given by TF_VAR_… when a secret is made or changed, and kept by nobody.

variable "secret_versions" {
  description = "Version of each secret; count one up and give the value to change it."
  type = object({
    app_database_password = optional(number, 1)
    cache_password        = optional(number, 1)
    signing_secret        = optional(number, 1)
    password_peppers      = optional(number, 1)
    openai_api_key        = optional(number, 1)
  })
  nullable = false
  default  = {}
}

variable "app_database_password" {
  description = "Password of the role pidima_app, 32 letters and digits or more."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.app_database_password == null ? true : can(regex("^[A-Za-z0-9]{32,99}$", var.app_database_password))
    error_message = "app_database_password must be 32 to 99 letters and digits."
  }
}

variable "cache_password" {
  description = "Password of the service's user of Valkey, 32 letters and digits or more: it stands in an address."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.cache_password == null ? true : can(regex("^[A-Za-z0-9]{32,128}$", var.cache_password))
    error_message = "cache_password must be 32 to 128 letters and digits."
  }
}

variable "signing_secret" {
  description = "Signs widget tokens: 32 random bytes or more."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.signing_secret == null ? true : length(var.signing_secret) >= 32
    error_message = "signing_secret must be at least 32 bytes."
  }
}

variable "password_peppers" {
  description = "Peppers of password hashes, id:base64 each, apart by commas, the current one first."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.password_peppers == null ? true : can(regex("^[A-Za-z0-9_-]+:[A-Za-z0-9+/=]{43,}(,[A-Za-z0-9_-]+:[A-Za-z0-9+/=]{43,})*$", var.password_peppers))
    error_message = "password_peppers must be id:base64 with 32 bytes or more each, apart by commas."
  }
}

variable "openai_api_key" {
  description = "Key of the server that speaks OpenAI's API."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

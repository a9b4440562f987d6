variable "name" {
  description = "First part of the names."
  type        = string
  nullable    = false
}

variable "parameters" {
  description = "Parameters by name: what each does, and its first value."
  type = map(object({
    description = string
    value       = string
  }))
  nullable = false

  validation {
    condition     = alltrue([for parameter in values(var.parameters) : length(parameter.value) > 0 && length(parameter.value) <= 4096])
    error_message = "Each parameter needs a value of 1 to 4096 characters: Parameter Store keeps no empty one."
  }
}

variable "key_arn" {
  description = "Key of the parameters."
  type        = string
  nullable    = false
}

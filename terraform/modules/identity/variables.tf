variable "name" {
  description = "Name of the user pool."
  type        = string
  nullable    = false
}

variable "domain_prefix" {
  description = "First part of the address of the login pages, unique in the region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$", var.domain_prefix)) && !can(regex("aws|amazon|cognito", var.domain_prefix))
    error_message = "domain_prefix must be 3 to 63 of a-z, 0-9 and -, and must not hold aws, amazon or cognito."
  }
}

variable "resource_server" {
  description = "Identifier before the scopes of access tokens."
  type        = string
  nullable    = false
}

variable "callback_urls" {
  description = "Addresses to which a login returns."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.callback_urls) > 0 && alltrue([for url in var.callback_urls : startswith(url, "https://") || startswith(url, "http://localhost:")])
    error_message = "callback_urls must begin with https://, or with http://localhost: for development."
  }
}

variable "logout_urls" {
  description = "Addresses to which a logout returns."
  type        = list(string)
  nullable    = false
}

variable "machine_clients" {
  description = "Clients of machines, each with its scopes: ask, documents_read, documents_write, manage."
  type        = map(set(string))
  nullable    = false

  validation {
    condition     = alltrue([for scopes in values(var.machine_clients) : length(scopes) > 0 && length(setsubtract(scopes, ["ask", "documents_read", "documents_write", "manage"])) == 0])
    error_message = "Each of machine_clients needs at least one scope of: ask, documents_read, documents_write, manage."
  }
}

variable "groups" {
  description = "Groups that this configuration keeps, pidima:<tenant>:<role> each."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for group in var.groups : can(regex("^pidima:[a-z0-9-]+:(owner|admin|editor|member|analyst)$", group))])
    error_message = "groups must be pidima:<tenant>:<role>, with a role of owner, admin, editor, member or analyst."
  }
}

variable "second_factor_required" {
  description = "Whether each login needs a second factor, or people choose."
  type        = bool
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the user pool refuses to be deleted."
  type        = bool
  nullable    = false
}

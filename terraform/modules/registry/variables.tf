variable "name" {
  description = "Prefix of the repositories."
  type        = string
  nullable    = false
}

variable "repositories" {
  description = "Repositories to make."
  type        = set(string)
  nullable    = false
}

variable "public_repositories" {
  description = "Repositories of Amazon ECR Public whose images are taken in at their first pull, as `public/NAME`."
  type        = set(string)
  nullable    = false
  default     = []
}

variable "images_key_arn" {
  description = "Key of the images."
  type        = string
  nullable    = false
}

variable "kept_images" {
  description = "Newest images of each repository that stay."
  type        = number
  nullable    = false
  default     = 50

  validation {
    condition     = var.kept_images >= 10
    error_message = "kept_images must be at least 10: an image that is running must not expire."
  }
}

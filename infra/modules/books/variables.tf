variable "name" {
  description = "What names of resources begin with."
  type        = string
}

variable "bucket" {
  description = "Bucket of the books."
  type        = string
}

variable "prefix" {
  description = "Prefix of the books in the bucket, without slashes at its ends."
  type        = string
  default     = "books"

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]+$", var.prefix))
    error_message = "prefix takes letters, digits, hyphens and underscores."
  }
}

variable "log_bucket" {
  description = "Bucket for access logs."
  type        = string
}

variable "lock" {
  description = "Object Lock, as [books] of policy.toml has it: mode and years."
  type        = object({ mode = string, years = number })
}

variable "unit_reader_arns" {
  description = "Who reads the statements of a business unit straight from S3: roles by the unit's id, such as { claims = [\"arn:aws:iam::…:role/claims-finance\"] }."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for unit in keys(var.unit_reader_arns) : can(regex("^[a-z0-9][a-z0-9-]*$", unit))])
    error_message = "unit_reader_arns takes ids of business units."
  }

  validation {
    condition     = alltrue([for one in flatten(values(var.unit_reader_arns)) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", one))])
    error_message = "unit_reader_arns takes ARNs of single roles, without wildcards."
  }
}

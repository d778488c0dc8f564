variable "name" {
  description = "What names of resources begin with, such as insurer-chargeback."
  type        = string
}

variable "bucket" {
  description = "Bucket that Data Exports delivers to; the locked archive is called the same with -archive."
  type        = string
}

variable "log_bucket" {
  description = "Bucket for access logs."
  type        = string
}

variable "export_name" {
  description = "Name of the export."
  type        = string
}

variable "prefix" {
  description = "Prefix of exports in the bucket, without slashes at its ends."
  type        = string
  default     = "exports"

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]+$", var.prefix))
    error_message = "prefix takes letters, digits, hyphens and underscores."
  }
}

variable "lock" {
  description = "Object Lock of the archive: mode and years."
  type        = object({ mode = string, years = number })
}

variable "reader_arns" {
  description = "Roles of people in FinOps that may read the report, besides the roles of this platform."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.reader_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", one))])
    error_message = "reader_arns takes ARNs of single roles, without wildcards."
  }
}

variable "boundary_arn" {
  description = "Permissions boundary that every role carries: what no policy can go beyond."
  type        = string
}

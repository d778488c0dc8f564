variable "name" {
  description = "What names of resources begin with."
  type        = string
}

variable "database" {
  description = "Database of Glue: small letters, digits and underscores."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9_]+$", var.database))
    error_message = "database takes small letters, digits and underscores."
  }
}

variable "report_location" {
  description = "Where the export lies: s3://bucket/prefix/export/."
  type        = string
}

variable "books_location" {
  description = "Where the books lie: s3://bucket/prefix."
  type        = string
}

variable "first_period" {
  description = "First billing period of the report, such as 2024-01: partitions begin there."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{4}-(0[1-9]|1[0-2])$", var.first_period))
    error_message = "first_period takes a month such as 2024-01."
  }
}

variable "results_bucket" {
  description = "Bucket for results of queries."
  type        = string
}

variable "results_days" {
  description = "Days after which results are removed."
  type        = number
  default     = 7
}

variable "key_arn" {
  description = "Key that results are encrypted with."
  type        = string
}

variable "log_bucket" {
  description = "Bucket for access logs."
  type        = string
}

variable "cutoff_bytes" {
  description = "Bytes at which a query is stopped; Athena bills 5 USD a terabyte."
  type        = number

  validation {
    condition     = var.cutoff_bytes >= 10 * 1024 * 1024
    error_message = "cutoff_bytes takes 10 MiB or more: Athena knows no smaller cutoff."
  }
}

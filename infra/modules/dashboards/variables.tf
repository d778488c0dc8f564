variable "name" {
  description = "What names of resources begin with, and ids in QuickSight."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary that every role carries."
  type        = string
}

variable "database" {
  description = "Database of Glue with the ledger's table, and with the views that make viewers TO= writes."
  type        = string
}

variable "books" {
  description = "The books: bucket, prefix in it (with a slash at its end), key."
  type        = object({ bucket = string, prefix = string, key_arn = string })
}

variable "results" {
  description = "Bucket for results of queries, and its key."
  type        = object({ bucket = string, key_arn = string })
}

variable "cutoff_bytes" {
  description = "Bytes at which a query is stopped."
  type        = number
}

variable "owner_arn" {
  description = "User or group of QuickSight that owns data source, datasets, analysis and dashboard. Owners of a dataset see all of its rows: FinOps."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:quicksight:.+:(user|group)/[^*?]+$", var.owner_arn))
    error_message = "owner_arn takes the ARN of a user or group of QuickSight."
  }
}

variable "readers_arn" {
  description = "Group of QuickSight that may open the dashboard; which rows each member sees, viewers.toml says."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:quicksight:.+:(user|group)/[^*?]+$", var.readers_arn))
    error_message = "readers_arn takes the ARN of a user or group of QuickSight."
  }

  validation {
    condition     = var.readers_arn != var.owner_arn
    error_message = "Owners see all rows: readers are another group."
  }
}

variable "namespace" {
  description = "Namespace of QuickSight that the groups of viewers.toml are in."
  type        = string
  default     = "default"
}

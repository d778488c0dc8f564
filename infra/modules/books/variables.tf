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

variable "boundary_arn" {
  description = "Permissions boundary that every role carries."
  type        = string
}

variable "copy" {
  description = "A bucket with Object Lock in another region that the books are copied to, the account that has it, and its key; null for no copy."
  type        = object({ bucket_arn = string, account_id = string, key_arn = string })
  default     = null

  validation {
    condition     = var.copy == null || can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9.-]+$", var.copy.bucket_arn))
    error_message = "copy.bucket_arn is the ARN of a bucket, such as arn:aws:s3:::insurer-copies."
  }

  validation {
    condition     = var.copy == null || can(regex("^[0-9]{12}$", var.copy.account_id))
    error_message = "copy.account_id has 12 digits."
  }

  validation {
    condition     = var.copy == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?]+$", var.copy.key_arn))
    error_message = "copy.key_arn is the ARN of one key, in the region of that bucket: an alias is not enough for S3."
  }
}

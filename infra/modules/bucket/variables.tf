variable "name" {
  description = "Name of the bucket."
  type        = string
}

# What may be left out is an object, so that a plan knows whether it is there before its name or ARN is known.

variable "key" {
  description = "Key that objects are encrypted with; null for S3's own keys, the only ones that access logs can be written with."
  type        = object({ arn = string })
  default     = null
}

variable "lock" {
  description = "Object Lock: mode and years that an object is kept unless its own put says longer; null for none."
  type        = object({ mode = string, years = number })
  default     = null

  validation {
    condition     = var.lock == null || try(contains(["COMPLIANCE", "GOVERNANCE"], var.lock.mode) && var.lock.years >= 1, false)
    error_message = "lock takes a mode of COMPLIANCE or GOVERNANCE and at least 1 year."
  }
}

variable "log" {
  description = "Bucket that access logs are written to; null for the log bucket itself."
  type        = object({ bucket = string })
  default     = null
}

variable "policies" {
  description = "What the bucket's policy says besides what holds for every bucket: JSON documents."
  type        = list(string)
  default     = []
}

variable "expire_days" {
  description = "Days after which objects are removed, with all their versions; null keeps them."
  type        = number
  default     = null
}

variable "archive_days" {
  description = "Days after which objects move to a cheaper class that still answers at once; null leaves them."
  type        = number
  default     = null
}

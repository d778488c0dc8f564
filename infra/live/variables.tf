variable "account_id" {
  description = "Account of the billing store; an apply in any other stops."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id takes 12 digits, in quotes."
  }
}

variable "region" {
  description = "Region of the buckets and of everything that runs."
  type        = string
}

variable "name" {
  description = "What names of resources begin with. Names of buckets are unique in all of AWS: put your organization in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 32 small letters, digits and hyphens."
  }
}

variable "tags" {
  description = "Tags of every resource, such as your cost center."
  type        = map(string)
  default     = {}
}

variable "params" {
  description = "Your params folder, whose policy.toml says how long books are locked. From infra/live, or a whole path."
  type        = string
}

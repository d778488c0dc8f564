variable "name" {
  description = "What names of resources begin with."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary that every role carries."
  type        = string
}

variable "image" {
  description = "The image that infra/image builds, by its digest: a tag may mean another program tomorrow."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image ends in @sha256: and the digest; the workflow image prints it."
  }
}

variable "task_role_arns" {
  description = "Roles that steps run with, by close, rendering, daily and posture (infra/modules/roles)."
  type        = object({ close = string, rendering = string, daily = string, posture = string })
}

variable "repository_arn" {
  description = "Repository of the image, from which tasks may fetch."
  type        = string
}

variable "vpc_id" {
  description = "Network of the tasks. It reaches AWS through endpoints or a NAT gateway."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)
}

variable "cur" {
  description = "Where the report is: for the close, athena or s3://bucket/prefix; for the daily run and dashboards, s3://bucket/prefix."
  type        = object({ close = string, daily = string })
}

variable "books" {
  description = "The books, s3://bucket/prefix."
  type        = string

  validation {
    condition     = startswith(var.books, "s3://")
    error_message = "A task has no disk of its own: books are in S3."
  }
}

variable "environment" {
  description = "Further variables of the program, such as CHARGEBACK_STATSD or CHARGEBACK_SECRETS, the place of secrets. No secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for one in keys(var.environment) : one == "CHARGEBACK_SECRETS" || !can(regex("(?i)password|secret|token|api_key", one))])
    error_message = "A secret goes into secrets, by the ARN under which Secrets Manager has it."
  }
}

variable "secrets" {
  description = "Secrets of the program by the name of their variable: ARNs in Secrets Manager, encrypted with a key of AWS's or of the account's default."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for one in values(var.secrets) : can(regex("^arn:aws[a-z-]*:secretsmanager:[^*?]+$", one))])
    error_message = "secrets takes ARNs of single secrets: no values, no wildcards."
  }
}

variable "approvers" {
  description = "Whether delivery.toml names approvers. If so the close does not hand out: start the flow handout once approved."
  type        = bool
}

variable "falcon_options" {
  description = "What the CrowdStrike sensor in the image is told, such as --cid=...; blank where the image has none."
  type        = string
  default     = ""
}

variable "cpu" {
  description = "CPU units of a task; 1024 are one core."
  type        = number
  default     = 2048
}

variable "memory_mib" {
  description = "Memory of a task."
  type        = number
  default     = 8192
}

variable "disk_gib" {
  description = "Disk of a task: the open month's report, for the daily run, and a local copy of the books."
  type        = number
  default     = 50
}

variable "settle_hours" {
  description = "Hours from the end of the day, or of the month, to the first look."
  type        = object({ close = number, daily = number })
  default     = { close = 72, daily = 12 }
}

variable "ask_again" {
  description = "A month that is not final: hours until it is asked for again, and how often."
  type        = object({ hours = number, times = number })
  default     = { hours = 6, times = 48 }
}

variable "retry" {
  description = "What could not be reached: minutes until it is tried again, and how often."
  type        = object({ minutes = number, times = number })
  default     = { minutes = 15, times = 4 }
}

variable "timeout_hours" {
  description = "Hours after which a task is stopped."
  type        = number
  default     = 4
}

variable "log_days" {
  description = "Days that logs of tasks and executions are kept."
  type        = number
  default     = 400
}

variable "enabled" {
  description = "Whether the schedules run. Begin with false, and start the first runs by hand."
  type        = bool
  default     = true
}

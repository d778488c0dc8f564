variable "name" {
  description = "What names of roles begin with."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary that every role carries: what no policy can go beyond."
  type        = string
}

variable "report" {
  description = "The report: bucket, prefix of the export in it (with a slash at its end), key."
  type        = object({ bucket = string, prefix = string, key_arn = string })
}

variable "books" {
  description = "The books: bucket, prefix in it (with a slash at its end), key, and the key that signs."
  type        = object({ bucket = string, prefix = string, key_arn = string, signing_key_arn = string })
}

variable "query" {
  description = "How the report is read: workgroup, database, table, and where results go."
  type = object({
    workgroup      = string
    database       = string
    table          = string
    results_bucket = string
    results_prefix = string
  })
}

variable "operator_arns" {
  description = "Roles of people that may take the role of a verb: by validation, close, rendering, posture."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for one in flatten(values(var.operator_arns)) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", one))])
    error_message = "operator_arns takes ARNs of single roles, without wildcards."
  }

  validation {
    condition     = alltrue([for one in keys(var.operator_arns) : contains(["validation", "close", "rendering", "posture"], one)])
    error_message = "operator_arns takes validation, close, rendering and posture."
  }
}

variable "secret_arns" {
  description = "Secrets that a role may read, by close and portal."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for one in keys(var.secret_arns) : contains(["close", "portal"], one)])
    error_message = "secret_arns takes close and portal."
  }
}

variable "repository_arn" {
  description = "Repository of the image: pushed to by the workflow image, fetched from by closes that GitHub runs."
  type        = string
}

variable "daily_state" {
  description = "Table of DynamoDB that the daily run keeps its state in, and the table's key; null without infra/modules/flow."
  type        = object({ table_arn = string, key_arn = string })
  default     = null
}

variable "dataset_arns" {
  description = "Datasets of QuickSight that handing out refreshes: rules and charges."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.dataset_arns : can(regex("^arn:aws[a-z-]*:quicksight:[a-z0-9-]+:[0-9]{12}:dataset/[^*?/]+$", one))])
    error_message = "dataset_arns takes ARNs of single datasets, without wildcards."
  }
}

variable "topic_arns" {
  description = "Topics that the daily run tells owning teams through."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[^*?:]+$", one))])
    error_message = "topic_arns takes ARNs of single topics, without wildcards."
  }
}

variable "topic_key_arn" {
  description = "Key that these topics are encrypted with; null where there are none."
  type        = string
  default     = null
}

variable "github" {
  description = "Whom GitHub's tokens let in: the subject of pull requests that are planned, of the environment that is deployed from, of the one that closes are run from, and of the one that pushes images. Subjects are whole; see docs/platform.md for how to find yours. null where GitHub deploys nothing."
  type        = object({ plan = list(string), deploy = list(string), close = list(string), image = optional(list(string), []) })
  default     = null

  validation {
    condition     = var.github == null || try(alltrue([for one in flatten(values(var.github)) : can(regex("^repo:[^*?:]+:[^*?]+$", one))]), false)
    error_message = "A subject is whole, such as repo:insurer/chargeback:environment:production: no wildcards, and never a repository alone."
  }
}

variable "state" {
  description = "Terraform's state: bucket and key; only plan and deploy reach it."
  type        = object({ bucket = string, key = string })
}

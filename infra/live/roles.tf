variable "operator_arns" {
  description = "Roles of people that may take the role of a verb: by validation, close, rendering, posture."
  type        = map(list(string))
  default     = {}
}

variable "secret_arns" {
  description = "Secrets that a role may read, by close and portal."
  type        = map(list(string))
  default     = {}
}

variable "dataset_arns" {
  description = "Datasets of QuickSight that handing out refreshes, besides those of `dashboards` (docs/quicksight.md)."
  type        = list(string)
  default     = []
}

variable "github" {
  description = "Subjects of GitHub's tokens, whole: for plan, deploy, closes that GitHub runs, and the image. null where GitHub deploys nothing."
  type        = object({ plan = list(string), deploy = list(string), close = list(string), image = optional(list(string), []) })
  default     = null
}

variable "state" {
  description = "Where this state lies, as state.hcl has it."
  type        = object({ bucket = string, key = string })
}

module "roles" {
  source = "../modules/roles"

  name         = var.name
  boundary_arn = aws_iam_policy.boundary.arn

  report = {
    bucket  = module.report.bucket
    prefix  = module.report.prefix
    key_arn = module.report.key_arn
  }

  books = {
    bucket          = module.books.bucket
    prefix          = module.books.prefix
    key_arn         = module.books.key_arn
    signing_key_arn = module.books.signing_key_arn
  }

  query = {
    workgroup      = module.query.workgroup
    database       = module.query.database
    table          = module.query.table
    results_bucket = module.query.results_bucket
    results_prefix = module.query.results_prefix
  }

  daily_state = var.flow == null ? null : {
    table_arn = module.flow[0].state_tables.daily.arn
    key_arn   = module.flow[0].key_arn
  }

  topic_arns     = try(values(module.alerts[0].topics), [])
  topic_key_arn  = one(module.alerts[*].key_arn)
  dataset_arns   = distinct(concat(var.dataset_arns, flatten(module.dashboards[*].dataset_arns)))
  operator_arns  = var.operator_arns
  repository_arn = module.registry.repository.arn
  secret_arns    = var.secret_arns
  github         = var.github
  state          = var.state
}

output "roles" {
  description = "ARN of each role by what it is for."
  value       = merge(module.roles.arns, var.flow == null ? {} : { execution = module.flow[0].role_arns["execution"] })
}

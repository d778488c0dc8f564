variable "first_period" {
  description = "First billing period of the report, such as 2026-01."
  type        = string
}

variable "cutoff_bytes" {
  description = "Bytes at which a query is stopped: 100 GB unless it is set, which cost 0.50 USD."
  type        = number
  default     = 107374182400
}

module "query" {
  source = "../modules/query"

  name            = var.name
  database        = replace(var.name, "-", "_")
  report_location = module.report.location
  books_location  = module.books.location
  first_period    = var.first_period
  results_bucket  = "${var.name}-results"
  key_arn         = module.report.key_arn
  log_bucket      = module.logs.name
  cutoff_bytes    = var.cutoff_bytes
}

output "athena" {
  description = "[athena] of sources.toml."
  value = {
    database  = module.query.database
    table     = module.query.table
    workgroup = module.query.workgroup
    region    = var.region
  }
}

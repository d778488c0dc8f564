# Charges in QuickSight (docs/quicksight.md). QuickSight itself, and its groups with their members, are there before.

variable "dashboards" {
  description = "Charges in QuickSight: who owns the datasets and sees all rows, and who opens the dashboard. null without them."
  type        = object({ owner_arn = string, readers_arn = string, namespace = optional(string, "default") })
  default     = null
}

module "dashboards" {
  source = "../modules/dashboards"
  count  = var.dashboards == null ? 0 : 1

  name         = var.name
  boundary_arn = aws_iam_policy.boundary.arn
  database     = module.query.database
  books        = { bucket = module.books.bucket, prefix = module.books.prefix, key_arn = module.books.key_arn }
  results      = { bucket = module.query.results_bucket, key_arn = module.report.key_arn }
  cutoff_bytes = var.cutoff_bytes
  owner_arn    = var.dashboards.owner_arn
  readers_arn  = var.dashboards.readers_arn
  namespace    = var.dashboards.namespace
}

output "quicksight" {
  description = "[quicksight] of sources.toml; null without dashboards."
  value       = one(module.dashboards[*].quicksight)
}

output "dashboards" {
  description = "What readers open, and the workgroup of QuickSight's queries; null without dashboards."
  value       = one([for one in module.dashboards : { arn = one.dashboard_arn, workgroup = one.workgroup }])
}

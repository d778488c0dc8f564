output "quicksight" {
  description = "[quicksight] of sources.toml."
  value = {
    account_id = local.account
    region     = local.region
    rules      = local.datasets.rules
    charges    = local.datasets.charges
  }

  depends_on = [aws_cloudformation_stack.quicksight]
}

output "workgroup" {
  description = "Workgroup that QuickSight's queries run in; the views can be made in it as well."
  value       = aws_athena_workgroup.quicksight.name
}

output "dashboard_arn" {
  description = "What readers open."
  value       = aws_cloudformation_stack.quicksight.outputs["DashboardArn"]
}

# From names, so that roles can be given rights on them before they are there.
output "dataset_arns" {
  description = "Datasets that handing out refreshes."
  value       = [for one in values(local.datasets) : "arn:${local.partition}:quicksight:${local.region}:${local.account}:dataset/${one}"]
}

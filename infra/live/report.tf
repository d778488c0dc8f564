variable "finops_role_arns" {
  description = "Roles of people in FinOps that read the report."
  type        = list(string)
  default     = []
}

module "report" {
  source = "../modules/report"

  providers = {
    aws         = aws
    aws.billing = aws.billing
  }

  name         = var.name
  bucket       = "${var.name}-report"
  log_bucket   = module.logs.name
  export_name  = "${var.name}-cur2"
  lock         = local.lock
  reader_arns  = var.finops_role_arns
  boundary_arn = aws_iam_policy.boundary.arn
}

output "report" {
  description = "Where deliveries come: CUR=, for reading from S3 without Athena."
  value       = module.report.location
}

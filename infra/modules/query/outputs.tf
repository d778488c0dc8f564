output "workgroup" {
  description = "CHARGEBACK_ATHENA_WORKGROUP."
  value       = aws_athena_workgroup.close.name
}

output "workgroup_arn" {
  description = "ARN of the workgroup."
  value       = aws_athena_workgroup.close.arn
}

output "database" {
  description = "CHARGEBACK_ATHENA_DATABASE."
  value       = aws_glue_catalog_database.billing.name
}

output "table" {
  description = "CHARGEBACK_ATHENA_TABLE."
  value       = aws_glue_catalog_table.cur2.name
}

output "results_bucket" {
  description = "Bucket for results of queries."
  value       = module.results.name
}

output "results_prefix" {
  description = "Prefix of results in it."
  value       = "close/"
}

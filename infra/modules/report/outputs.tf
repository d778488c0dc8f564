output "bucket" {
  description = "Bucket of the report."
  value       = module.bucket.name
}

output "archive" {
  description = "Bucket of the locked copies."
  value       = module.archive.name
}

output "location" {
  description = "Where the export lies, above data/ and metadata/, as CUR= names it."
  value       = "s3://${module.bucket.name}/${var.prefix}/${var.export_name}/"
}

output "prefix" {
  description = "Prefix of the export in the bucket, with a slash at its end."
  value       = "${var.prefix}/${var.export_name}/"
}

output "key_arn" {
  description = "Key of the report and of query results."
  value       = aws_kms_key.report.arn
}

output "export_arn" {
  description = "The export."
  value       = aws_bcmdataexports_export.cur2.id
}

output "bucket" {
  description = "Bucket of the books."
  value       = module.bucket.name
}

output "prefix" {
  description = "Prefix of the books in the bucket, with a slash at its end."
  value       = "${var.prefix}/"
}

output "location" {
  description = "The books, as BOOKS= names them."
  value       = "s3://${module.bucket.name}/${var.prefix}"
}

output "key_arn" {
  description = "Key of the books: CHARGEBACK_KMS_KEY_ID."
  value       = aws_kms_key.books.arn
}

output "signing_key_arn" {
  description = "Key that signs: CHARGEBACK_SIGNING_KEY=kms:<this>."
  value       = aws_kms_key.signing.arn
}

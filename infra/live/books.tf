variable "unit_reader_arns" {
  description = "Roles that read a business unit's statements straight from S3, by the unit's id."
  type        = map(list(string))
  default     = {}
}

module "books" {
  source = "../modules/books"

  name             = var.name
  bucket           = "${var.name}-books"
  log_bucket       = module.logs.name
  lock             = local.lock
  unit_reader_arns = var.unit_reader_arns
}

output "books" {
  description = "BOOKS=."
  value       = module.books.location
}

output "books_key" {
  description = "CHARGEBACK_KMS_KEY_ID."
  value       = module.books.key_arn
}

output "signing_key" {
  description = "CHARGEBACK_SIGNING_KEY."
  value       = "kms:${module.books.signing_key_arn}"
}

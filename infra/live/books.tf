variable "unit_reader_arns" {
  description = "Roles that read a business unit's statements straight from S3, by the unit's id."
  type        = map(list(string))
  default     = {}
}

variable "books_copy" {
  description = "A bucket with Object Lock in another region that the books are copied to, the account that has it, and its key; null for no copy."
  type        = object({ bucket_arn = string, account_id = string, key_arn = string })
  default     = null
}

module "books" {
  source = "../modules/books"

  name             = var.name
  bucket           = "${var.name}-books"
  log_bucket       = module.logs.name
  lock             = local.lock
  unit_reader_arns = var.unit_reader_arns
  boundary_arn     = aws_iam_policy.boundary.arn
  copy             = var.books_copy
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

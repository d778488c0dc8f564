# What `make posture` is told of these variables: whom policies are expected to name, when a query is stopped, and where the books are copied to.

output "posture" {
  description = "[posture] of sources.toml."
  value = {
    report_readers    = var.finops_role_arns
    statement_readers = var.unit_reader_arns
    cutoff_bytes      = tostring(var.cutoff_bytes)
    books_copy        = var.books_copy == null ? "" : var.books_copy.bucket_arn
  }
}

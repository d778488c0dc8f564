# What `make posture` is told of these variables: whom policies are expected to name, and when a query is stopped.

output "posture" {
  description = "[posture] of sources.toml."
  value = {
    report_readers    = var.finops_role_arns
    statement_readers = var.unit_reader_arns
    cutoff_bytes      = tostring(var.cutoff_bytes)
  }
}

# How long closed periods are locked is decided once, in [books] of policy.toml: the program puts every object with that lock,
# and the bucket gives it to whatever comes without one. Terraform reads no TOML, so that the table's two keys are found by
# their form; tests/infra holds that it finds what the program finds. Without the table nothing can be applied.

locals {
  policy_file = "${var.params}/policy.toml"
  books_table = join("\n", flatten(regexall("(?:^|\n)[ \t]*\\[books\\][^\n]*\n((?:[^\\[\n][^\n]*\n|\n)*)", "${file(local.policy_file)}\n")))
  retention = {
    mode  = one(flatten(regexall("(?:^|\n)[ \t]*retention_mode[ \t]*=[ \t]*[\"'](COMPLIANCE|GOVERNANCE)[\"']", local.books_table)))
    years = one(flatten(regexall("(?:^|\n)[ \t]*retention_years[ \t]*=[ \t]*[\"']([0-9]+)[\"']", local.books_table)))
  }
  lock = { mode = local.retention.mode, years = local.retention.years == null ? 0 : tonumber(local.retention.years) }
}

output "lock" {
  description = "How long closed periods are locked, as policy.toml says."
  value       = local.lock

  precondition {
    condition     = local.lock.mode != null && local.lock.years > 0
    error_message = "${local.policy_file} has no table [books] with retention_mode and retention_years."
  }
}

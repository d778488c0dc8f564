variable "api_url" {
  description = "Datadog's address for your site, such as https://api.datadoghq.eu/."
  type        = string
  default     = "https://api.datadoghq.com/"
}

variable "scope" {
  description = "Which runs count, as a filter on tags that your agent adds, such as env:production; * for all."
  type        = string
  default     = "*"
}

variable "finance" {
  description = "Whom what needs a decision is told to, as Datadog writes it, such as @slack-finops."
  type        = string
}

variable "operations" {
  description = "Whom what needs a repair is told to, such as @pagerduty-platform."
  type        = string
}

variable "delivery_due_days" {
  description = "As in [daily] of policy.toml: a delivery that is older is late."
  type        = number
  default     = 2
}

variable "reconciliation_limit" {
  description = "As invoice_rounding_limit in policy.toml: no close passes above it. Any difference but zero warns."
  type        = number
  default     = 1
}

variable "untagged_limit" {
  description = "Share of untagged cost above which it is told, between 0 and 1."
  type        = number
  default     = 0.05
}

variable "pool_limit" {
  description = "Share of what is charged that may come from pools, between 0 and 1."
  type        = number
  default     = 0.3
}

variable "athena_limit_usd" {
  description = "What the queries of one close may cost."
  type        = number
  default     = 1
}

variable "tags" {
  description = "Tags of monitors, service levels and dashboard."
  type        = set(string)
  default     = ["service:chargeback", "managed-by:terraform"]
}

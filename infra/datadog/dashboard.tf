# One page: is the month closed, does it tie out, what did it cost to find out.

locals {
  values = {
    "Late closes"               = "max:chargeback.late.closes{${var.scope}}"
    "Age of delivery, days"     = "max:chargeback.delivery.age_days{${var.scope}}"
    "Reconciliation difference" = "max:chargeback.close.reconciliation_difference{${var.scope}}"
    "Days to close"             = "max:chargeback.close.days{${var.scope}}"
    "Charged"                   = "max:chargeback.close.charged{${var.scope}}"
    "Athena, USD a close"       = "max:chargeback.close.athena_cost{${var.scope}}"
    "Checks that have drifted"  = "max:chargeback.posture.drifted{${var.scope}}"
    "Recovery, seconds"         = "max:chargeback.drill.recovery_seconds{${var.scope}}"
  }

  lines = {
    "Share of untagged cost"               = ["max:chargeback.close.untagged_ratio{${var.scope}}", "max:chargeback.daily.untagged_ratio{${var.scope}}"]
    "Share of pools"                       = ["max:chargeback.close.pool_ratio{${var.scope}}"]
    "Charged, by business unit"            = ["max:chargeback.close.unit_charged{${var.scope}} by {business_unit}"]
    "Change of a unit's total"             = ["max:chargeback.close.unit_change_ratio{${var.scope}} by {business_unit}"]
    "Seconds of each stage"                = ["max:chargeback.close.stage_seconds{${var.scope}} by {stage}"]
    "Runs and failures"                    = [for one in ["close.runs", "close.failures", "daily.runs", "daily.failures"] : local.counted[one]]
    "Requests of the portal, and failures" = [for one in ["portal.requests", "portal.failures"] : local.counted[one]]
    "Open cases"                           = ["max:chargeback.daily.open_cases{${var.scope}} by {channel}"]
    "Anomalies that are going on"          = ["max:chargeback.daily.anomalies{${var.scope}} by {business_unit}"]
    "Disputes that are open, and amount"   = ["max:chargeback.disputes.open{${var.scope}}", "max:chargeback.disputes.open_amount{${var.scope}}"]
  }
}

resource "datadog_dashboard_json" "this" {
  dashboard = jsonencode({
    title       = "Chargeback"
    description = "Closes, daily runs and what they found"
    layout_type = "ordered"
    reflow_type = "auto"
    tags        = []
    widgets = concat(
      [for title, query in local.values : {
        definition = { type = "query_value", title = title, autoscale = true, requests = [{ q = query, aggregator = "last" }] }
      }],
      [for title, queries in local.lines : {
        definition = { type = "timeseries", title = title, requests = [for one in queries : { q = one, display_type = "line" }] }
      }],
      [for one in datadog_service_level_objective.this : {
        definition = {
          type              = "slo", title = one.name, slo_id = one.id, view_type = "detail", view_mode = "overall", time_windows = ["90d"]
          show_error_budget = true
        }
      }],
    )
  })
}

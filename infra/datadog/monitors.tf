# What is told when. Each metric is one that the program sends (chargeback/core/metrics.py); each threshold is a variable, and where
# the program has the same one in policy.toml, it must be the same.

locals {
  monitors = {
    close-failed = {
      name     = "A close failed"
      query    = "sum(last_4h):sum:chargeback.close.failures{${var.scope}}.as_count() > 0"
      critical = 0
      to       = var.operations
      says     = "A close ended in another way than done or not final. Its exit code stands in chargeback.close.exit_code: 4 and 5 need a decision, 6 needs a repair (docs/runbook.md). Nothing was published."
    }
    close-late = {
      name     = "A close is late"
      query    = "max(last_1d):max:chargeback.late.closes{${var.scope}} > 0"
      critical = 0
      to       = var.finance
      says     = "A period should be closed by now (close_due_day in policy.toml). make freshness names it."
    }
    daily-failed = {
      name     = "A daily run failed"
      query    = "sum(last_1d):sum:chargeback.daily.failures{${var.scope}}.as_count() > 0"
      critical = 0
      to       = var.operations
      says     = "The open month was not looked at. The same command makes up for it."
    }
    daily-missing = {
      name     = "No daily run"
      query    = "sum(last_1d):sum:chargeback.daily.runs{${var.scope}}.as_count() < 1"
      critical = 1
      to       = var.operations
      missing  = "show_and_notify_no_data"
      says     = "Nothing has run for a day: look at the schedule."
    }
    delivery-old = {
      name     = "AWS's delivery is old"
      query    = "max(last_1d):max:chargeback.delivery.age_days{${var.scope}} > ${var.delivery_due_days}"
      critical = var.delivery_due_days
      to       = var.operations
      says     = "The newest delivery has no usage of the last days. Look at the export in the AWS console."
    }
    reconciliation = {
      name     = "Invoices and line items differ"
      query    = "max(last_1d):max:chargeback.close.reconciliation_difference{${var.scope}} > ${var.reconciliation_limit}"
      critical = var.reconciliation_limit
      warning  = 0
      to       = var.finance
      says     = "The invoices of a closed month are not the sum of their line items rounded once. The difference is a posting of its own, of kind rounding."
    }
    untagged-closed = {
      name     = "Untagged cost of a closed month"
      query    = "max(last_1d):max:chargeback.close.untagged_ratio{${var.scope}} > ${var.untagged_limit}"
      critical = var.untagged_limit
      to       = var.finance
      says     = "More than agreed fell to the pool untagged."
    }
    untagged-open = {
      name     = "Untagged cost of the open month"
      query    = "max(last_1d):max:chargeback.daily.untagged_ratio{${var.scope}} > ${var.untagged_limit}"
      critical = var.untagged_limit
      to       = var.finance
      says     = "More than agreed could carry a tag and does not. The daily page names accounts and resources."
    }
    pool-share = {
      name     = "Share of pools"
      query    = "max(last_1d):max:chargeback.close.pool_ratio{${var.scope}} > ${var.pool_limit}"
      critical = var.pool_limit
      to       = var.finance
      says     = "More than agreed of what is charged came from pools and not from who used it."
    }
    athena-spend = {
      name     = "Athena's bill for a close"
      query    = "max(last_1d):max:chargeback.close.athena_cost{${var.scope}} > ${var.athena_limit_usd}"
      critical = var.athena_limit_usd
      to       = var.operations
      says     = "The queries of a close cost more than agreed. evidence/run.json of the period has them one by one."
    }
    portal-failed = {
      name     = "The portal answers with errors"
      query    = "sum(last_15m):sum:chargeback.portal.failures{${var.scope}}.as_count() > 0"
      critical = 0
      to       = var.operations
      says     = "Somebody saw an error page. The portal's log has a line of it, with what was asked for and when."
    }
    posture-drifted = {
      name     = "The deployed account has drifted"
      query    = "max(last_1d):max:chargeback.posture.drifted{${var.scope}} > 0"
      critical = 0
      to       = var.operations
      says     = "Something is not as infra/ sets it up. make posture names it, with what to do (docs/platform.md)."
    }
    posture-not-answered = {
      name     = "A part of the deployed account was not looked at"
      query    = "max(last_1d):max:chargeback.posture.not_answered{${var.scope}} > 0"
      critical = 0
      to       = var.operations
      says     = "AWS denied a request of make posture or did not answer, so that nobody knows whether something has drifted."
    }
    posture-missing = {
      name     = "Nobody looked at the deployed account"
      query    = "sum(last_2d):sum:chargeback.posture.runs{${var.scope}}.as_count() < 1"
      critical = 1
      to       = var.operations
      missing  = "show_and_notify_no_data"
      says     = "make posture has not run for two days: look at the schedule of the daily flow."
    }
    drill-differences = {
      name     = "Deleted books would not come back"
      query    = "max(last_1d):max:chargeback.drill.differences{${var.scope}} > 0"
      critical = 0
      to       = var.operations
      says     = "A drill closed a copy of the books again and found something else. What it said names it; the books themselves were not touched."
    }
    drill-failed = {
      name     = "A drill did not end"
      query    = "sum(last_1d):sum:chargeback.drill.failures{${var.scope}}.as_count() > 0"
      critical = 0
      to       = var.operations
      says     = "A drill ended in another way than done, so that nobody knows how long a recovery takes."
    }
  }
}

resource "datadog_monitor" "this" {
  for_each = local.monitors

  name                = "Chargeback: ${each.value.name}"
  type                = "metric alert"
  query               = each.value.query
  message             = "${each.value.says} ${each.value.to}"
  on_missing_data     = try(each.value.missing, "resolve")
  require_full_window = false
  include_tags        = true
  tags                = var.tags

  monitor_thresholds {
    critical = each.value.critical
    warning  = try(each.value.warning, null)
  }
}

# Service levels divide counts: good runs by runs. A month that is not final at AWS is neither.

locals {
  counted = {
    for name in [
      "close.runs", "close.waits", "close.failures", "close.late_runs", "daily.runs", "daily.failures", "freshness.runs",
      "freshness.late_runs", "portal.requests", "portal.failures",
    ] : name => "sum:chargeback.${name}{${var.scope}}.as_count()"
  }

  service_levels = {
    close = {
      name   = "Closes that end well and on time"
      of     = "${local.counted["close.runs"]} - ${local.counted["close.waits"]}"
      less   = "${local.counted["close.failures"]} - ${local.counted["close.late_runs"]}"
      target = 95
    }
    daily = {
      name   = "Daily runs that end well"
      of     = local.counted["daily.runs"]
      less   = local.counted["daily.failures"]
      target = 99
    }
    freshness = {
      name   = "Days on which nothing was late"
      of     = local.counted["freshness.runs"]
      less   = local.counted["freshness.late_runs"]
      target = 95
    }
    portal = {
      name   = "Requests that the portal answered without an error of its own"
      of     = local.counted["portal.requests"]
      less   = local.counted["portal.failures"]
      target = 99.5
    }
  }
}

resource "datadog_service_level_objective" "this" {
  for_each = local.service_levels

  name        = "Chargeback: ${each.value.name}"
  type        = "metric"
  description = "docs/platform-flow.md says what counts."
  tags        = var.tags

  query {
    numerator   = "${each.value.of} - ${each.value.less}"
    denominator = each.value.of
  }

  thresholds {
    timeframe = "90d"
    target    = each.value.target
  }
}

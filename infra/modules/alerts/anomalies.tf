# AWS Cost Anomaly Detection: a monitor for each ten accounts of a team and for each ten values of a tag, and for each team a
# subscription that tells its topic at once. Monitors of accounts and tags can be made in the account that pays alone.

locals {
  # The provider reads a monitor back with everything that it might be of, so that it is written so; else each plan made it anew.
  nothing = { And = null, CostCategories = null, Dimensions = null, Not = null, Or = null, Tags = null }

  # One entry for each monitor. Values are in order, so that a team that gets an account changes its last monitor.
  account_monitors = merge([
    for team, accounts in var.teams : {
      for number, few in chunklist(sort(distinct(accounts)), var.values_per_monitor) :
      "accounts ${team} ${number + 1}" => {
        team = team
        of   = merge(local.nothing, { Dimensions = { Key = "LINKED_ACCOUNT", MatchOptions = null, Values = few } })
      }
    }
  ]...)

  # What one team has of one key is watched together, however many entries name it.
  tagged = {
    for pair in distinct([for one in var.tags : { key = one.key, team = one.team }]) :
    "${pair.key} ${pair.team}" => merge(pair, {
      values = sort(distinct(flatten([for one in var.tags : one.values if one.key == pair.key && one.team == pair.team])))
    })
  }

  tag_monitors = merge([
    for name, one in local.tagged : {
      for number, few in chunklist(one.values, var.values_per_monitor) :
      "tag ${name} ${number + 1}" => {
        team = one.team
        of   = merge(local.nothing, { Tags = { Key = one.key, MatchOptions = null, Values = few } })
      }
    }
  ]...)

  monitors = merge(local.account_monitors, local.tag_monitors)
  told     = toset([for one in local.monitors : one.team])

  thresholds = [
    for one in [
      { key = "ANOMALY_TOTAL_IMPACT_ABSOLUTE", value = var.threshold.absolute },
      { key = "ANOMALY_TOTAL_IMPACT_PERCENTAGE", value = var.threshold.percentage },
    ] : merge(one, { value = tostring(one.value) }) if one.value != null
  ]
}

resource "aws_ce_cost_allocation_tag" "active" {
  for_each = toset(var.allocation_tags)

  tag_key = each.key
  status  = "Active"
}

resource "aws_ce_anomaly_monitor" "team" {
  for_each = local.monitors

  name                  = "${var.name} ${each.key}"
  monitor_type          = "CUSTOM"
  monitor_specification = jsonencode(each.value.of)

  lifecycle {
    precondition {
      condition     = length(local.monitors) <= var.most_monitors
      error_message = "This is more monitors than AWS takes: raise values_per_monitor, watch fewer values of tags, or ask AWS for more and set most_monitors."
    }
  }

  # A monitor of a tag sees nothing before the tag is active.
  depends_on = [aws_ce_cost_allocation_tag.active]
}

resource "aws_ce_anomaly_subscription" "team" {
  for_each = local.told

  name             = "${var.name} ${each.key}"
  frequency        = "IMMEDIATE"
  monitor_arn_list = [for name in sort(keys(local.monitors)) : aws_ce_anomaly_monitor.team[name].arn if local.monitors[name].team == each.key]

  subscriber {
    type    = "SNS"
    address = aws_sns_topic.team[each.key].arn
  }

  threshold_expression {
    dynamic "dimension" {
      for_each = length(local.thresholds) == 1 ? local.thresholds : []

      content {
        key           = dimension.value.key
        match_options = ["GREATER_THAN_OR_EQUAL"]
        values        = [dimension.value.value]
      }
    }

    dynamic "and" {
      for_each = length(local.thresholds) == 2 ? local.thresholds : []

      content {
        dimension {
          key           = and.value.key
          match_options = ["GREATER_THAN_OR_EQUAL"]
          values        = [and.value.value]
        }
      }
    }
  }

  # AWS tries the topic when a subscription is made.
  depends_on = [aws_sns_topic_policy.team]
}

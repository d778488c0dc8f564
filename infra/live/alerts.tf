variable "alerts" {
  description = "Owning teams are told of anomalies through topics of SNS; null where they are not. subscriptions: who hears of a team's topic (infra/modules/alerts). threshold: from when on AWS tells. tag_values: values of tags of policy.toml that are watched beside cost centers, by the tag's key in the report, told to default. tag_keys: how Billing writes a key, by the tag in the report, where that is not what stands behind user_. allocation_tags_active: whether Billing is to activate the tags of policy.toml, and their values are watched; false at the first apply, for Billing refuses a key that it has not seen for a day."
  type = object({
    subscriptions          = optional(map(list(object({ protocol = string, endpoint = string, filter = optional(map(list(string))) }))), {})
    threshold              = optional(object({ absolute = optional(number), percentage = optional(number) }), { absolute = 250, percentage = 30 })
    values_per_monitor     = optional(number, 10)
    tag_values             = optional(map(list(string)), {})
    tag_keys               = optional(map(string), {})
    allocation_tags_active = optional(bool, false)
  })
  default = null
}

# Teams, accounts and tags stand in the params folder, and nowhere a second time. Of dated rows those are taken that hold in the
# month of the plan: an account that changes hands, or begins later, is taken over by the first apply of that month.
locals {
  month = tonumber(formatdate("YYYYMM", plantimestamp()))

  current = {
    for name in ["accounts", "cost_centers", "tag_values"] : name => [
      for row in try(csvdecode(file("${var.params}/${name}.csv")), []) : row
      if tonumber("0${replace(row.valid_from, "-", "")}") <= local.month && (row.valid_to == "" ? true : tonumber(replace(row.valid_to, "-", "")) >= local.month)
    ]
  }

  accounts_of = { for row in local.current.accounts : row.owning_team == "" ? "default" : row.owning_team => row.account_id... }

  # Tags as the report calls them. Terraform reads no TOML: a key of policy.toml that holds a list of texts is found by its form.
  tag_lists = { for key in ["cost_center_tags", "mandatory_tags"] : key => distinct(flatten([
    for list in regexall("(?:^|\n)[ \t]*${key}[ \t]*=[ \t]*\\[([^\\]]*)\\]", file(local.policy_file)) : regexall("[\"']([^\"'\n]+)[\"']", list[0])
  ])) }
  report_tags = distinct(concat(local.tag_lists.cost_center_tags, local.tag_lists.mandatory_tags))

  # Billing leaves out the "user_" that the report puts before keys of users; what is no user's has no key there. The report also
  # writes CostCenter and cost-center as cost_center: a key with capitals or signs is named in tag_keys.
  billing_tags = {
    for tag in local.report_tags : tag => try(var.alerts.tag_keys[tag], trimprefix(tag, "user_")) if startswith(tag, "user_")
  }

  # A cost center is told to the team of the accounts that fall to it, where these are one team's.
  teams_of_center = { for row in local.current.accounts : row.default_cost_center_id => row.owning_team... if row.default_cost_center_id != "" }
  team_of_center = {
    for row in local.current.cost_centers : row.cost_center_id =>
    try(coalesce(one(distinct(local.teams_of_center[row.cost_center_id]))), "default")
  }

  # Values by which a cost center is known: its id, and its aliases for a tag.
  watched_tags = concat(
    [
      for pair in setproduct(local.tag_lists.cost_center_tags, keys(local.team_of_center)) : {
        key    = local.billing_tags[pair[0]]
        team   = local.team_of_center[pair[1]]
        values = concat([pair[1]], [for row in local.current.tag_values : row.tag_value if row.tag_key == pair[0] && row.cost_center_id == pair[1]])
      } if contains(keys(local.billing_tags), pair[0])
    ],
    [
      for tag, values in try(var.alerts.tag_values, {}) : {
        key = local.billing_tags[tag], team = "default", values = values
      } if contains(keys(local.billing_tags), tag)
    ],
  )
}

module "alerts" {
  source = "../modules/alerts"
  count  = var.alerts == null ? 0 : 1

  providers = { aws = aws.billing }

  name               = var.name
  teams              = local.accounts_of
  tags               = var.alerts.allocation_tags_active ? local.watched_tags : []
  allocation_tags    = var.alerts.allocation_tags_active ? values(local.billing_tags) : []
  subscriptions      = var.alerts.subscriptions
  threshold          = var.alerts.threshold
  values_per_monitor = var.alerts.values_per_monitor
}

output "topics" {
  description = "[daily.topics] of sources.toml, or CHARGEBACK_TOPICS: the topic of each owning team."
  value       = try(module.alerts[0].topics, {})

  precondition {
    condition     = length(setsubtract(keys(try(var.alerts.tag_values, {})), keys(local.billing_tags))) == 0
    error_message = "tag_values takes tags of cost_center_tags and mandatory_tags in policy.toml, as they stand there."
  }
}

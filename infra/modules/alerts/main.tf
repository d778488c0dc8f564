# Who is told when cost is not what it was: a topic of SNS for each owning team, to which AWS Cost Anomaly Detection publishes what
# it finds in the team's accounts and tags, and the daily run what it finds itself (docs/platform-alerts.md).
#
# Everything is in the region of the provider that the module is given. Cost Explorer answers in us-east-1 alone. Of a topic's
# region AWS says nothing, so that topics are there as well: nothing has to reach over a border of regions.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  # default takes what is no team's.
  teams = toset(concat(keys(var.teams), ["default"]))
  slug  = { for team in local.teams : team => replace(lower(team), "/[^a-z0-9_-]+/", "-") }
}

resource "aws_sns_topic" "team" {
  for_each = local.teams

  name              = "${var.name}-alerts-${local.slug[each.key]}"
  display_name      = substr("Cost of ${each.key}", 0, 100)
  kms_master_key_id = aws_kms_key.alerts.arn
}

resource "aws_sns_topic_policy" "team" {
  for_each = local.teams

  arn    = aws_sns_topic.team[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

# The roles of this account publish by policies of their own (infra/modules/roles), which takes no statement here.
data "aws_iam_policy_document" "topic" {
  for_each = local.teams

  statement {
    sid       = "AnomaliesAreTold"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.team[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["costalerts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.team[each.key].arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

locals {
  subscriptions = merge([
    for team, each in var.subscriptions : {
      for one in each : "${team} ${one.protocol} ${one.endpoint}" => merge(one, { team = team })
    }
  ]...)
}

resource "aws_sns_topic_subscription" "team" {
  for_each = local.subscriptions

  topic_arn              = aws_sns_topic.team[each.value.team].arn
  protocol               = each.value.protocol
  endpoint               = each.value.endpoint
  endpoint_auto_confirms = each.value.protocol == "https"
  filter_policy          = each.value.filter == null ? null : jsonencode(each.value.filter)
}

# What is told names accounts, amounts and resources.
resource "aws_kms_key" "alerts" {
  description             = "${var.name}: what owning teams are told"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "alerts" {
  name          = "alias/${var.name}-alerts"
  target_key_id = aws_kms_key.alerts.key_id
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:In the policy of a key, * is that key.
  #checkov:skip=CKV_AWS_111:In the policy of a key, * is that key.
  #checkov:skip=CKV_AWS_356:In the policy of a key, * is that key.

  # The account itself, so that policies of roles decide who uses the key (infra/modules/roles).
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "AnomaliesAreTold"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["costalerts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# A role for each thing that is done, with what that takes and no more. docs/platform.md has the table of what each may and may
# not do; tests/infra assumes every role and holds it to that table. What a service takes to run a task stands in infra/modules/flow.
#
#   validation   reads the report, by itself or through the workgroup; knows nothing of the books
#   close        reads the report, writes the books once, signs
#   daily        reads the report and the books, writes dashboards, keeps its own state
#   rendering    reads the books; knows nothing of the report
#   portal       reads the books, writes its log and answers
#   posture      reads how things are set up, and no data
#   plan         reads how everything is set up, and no data (GitHub, pull requests)
#   deploy       sets everything up, and reads no data (GitHub, after approval)
#   image        pushes images and nothing else (GitHub, main)

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.name

  report_arn  = "arn:${local.partition}:s3:::${var.report.bucket}"
  books_arn   = "arn:${local.partition}:s3:::${var.books.bucket}"
  results_arn = "arn:${local.partition}:s3:::${var.query.results_bucket}"

  # Rooms of the books that a close and what hands it out write; the portal's log has a writer of its own.
  rooms_of_a_close = [
    "ledger", "statements", "evidence", "postings", "metrics", "delivery", "dashboards", "viewer_rules",
    "released_months",
  ]

  # What the portal opens: everything that says whether a month is closed as it was signed, and what is shown of it.
  rooms_of_the_portal = ["ledger", "statements", "evidence", "delivery", "dashboards", "portal"]

  # GitHub's runner fetches the image with the role of what it runs; for a task ECS does it.
  fetch_by_itself = length(try(var.github.close, [])) == 0 ? [] : [data.aws_iam_policy_document.fetch_image.json]

  via_s3 = "s3.${local.region}.amazonaws.com"

  policies = {
    validation = data.aws_iam_policy_document.read_report.json
    close      = data.aws_iam_policy_document.close.json
    daily      = data.aws_iam_policy_document.daily.json
    rendering  = data.aws_iam_policy_document.read_books.json
    portal     = data.aws_iam_policy_document.portal.json
    posture    = data.aws_iam_policy_document.posture.json
  }
}

resource "aws_iam_role" "verb" {
  for_each = local.policies

  name                 = "${var.name}-${each.key}"
  path                 = "/chargeback/"
  description          = "chargeback: ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  permissions_boundary = var.boundary_arn
  max_session_duration = 3600 * (each.key == "portal" ? 12 : 4)
}

resource "aws_iam_role_policy" "verb" {
  for_each = local.policies

  name   = each.key
  role   = aws_iam_role.verb[each.key].id
  policy = each.value
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["validation", "close", "daily", "rendering", "portal", "posture"])

  statement {
    sid     = "Tasks"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  dynamic "statement" {
    for_each = length(lookup(var.operator_arns, each.key, [])) == 0 ? [] : [var.operator_arns[each.key]]

    content {
      sid     = "People"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }

  dynamic "statement" {
    for_each = contains(["close", "daily", "posture"], each.key) && length(try(var.github.close, [])) > 0 ? [var.github.close] : []

    content {
      sid     = "GitHub"
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [aws_iam_openid_connect_provider.github[0].arn]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.github_host}:aud"
        values   = ["sts.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.github_host}:sub"
        values   = statement.value
      }
    }
  }
}

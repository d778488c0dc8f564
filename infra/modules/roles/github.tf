# GitHub's workflows bring a token that GitHub signed, and no stored key. Who is let in is the token's whole subject.

locals {
  github_host = "token.actions.githubusercontent.com"

  subjects = var.github == null ? {} : { plan = var.github.plan, deploy = var.github.deploy }

  rights = var.github == null ? {} : {
    plan   = data.aws_iam_policy_document.plan.json
    deploy = data.aws_iam_policy_document.deploy.json
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github == null ? 0 : 1

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "github" {
  for_each = local.subjects

  statement {
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
      values   = each.value
    }
  }
}

resource "aws_iam_role" "github" {
  for_each = local.subjects

  name                 = "${var.name}-${each.key}"
  path                 = "/chargeback/"
  description          = "chargeback: terraform ${each.key} from GitHub"
  assume_role_policy   = data.aws_iam_policy_document.github[each.key].json
  max_session_duration = 3600
}

# Rights to set up a dozen services are longer than a policy that stands in a role may be.
resource "aws_iam_policy" "github" {
  for_each = local.rights

  name   = "${var.name}-${each.key}"
  path   = "/chargeback/"
  policy = each.value
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.rights

  role       = aws_iam_role.github[each.key].name
  policy_arn = aws_iam_policy.github[each.key].arn
}

# Whoever deploys plans first.
resource "aws_iam_role_policy_attachment" "deploy_plans" {
  count = var.github == null ? 0 : 1

  role       = aws_iam_role.github["deploy"].name
  policy_arn = aws_iam_policy.github["plan"].arn
}

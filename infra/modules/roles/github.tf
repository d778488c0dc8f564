# GitHub's workflows bring a token that GitHub signed, and no stored key. Who is let in is the token's whole subject.

locals {
  github_host = "token.actions.githubusercontent.com"

  subjects = var.github == null ? {} : { plan = var.github.plan, deploy = var.github.deploy }

  # Runs of main push images; where no subject is named, nobody does.
  image_subjects = length(try(var.github.image, [])) == 0 ? {} : { image = var.github.image }

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
  for_each = merge(local.subjects, local.image_subjects)

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

resource "aws_iam_role" "image" {
  for_each = local.image_subjects

  name                 = "${var.name}-image"
  path                 = "/chargeback/"
  description          = "chargeback: images from GitHub"
  assume_role_policy   = data.aws_iam_policy_document.github["image"].json
  permissions_boundary = var.boundary_arn
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "image" {
  for_each = local.image_subjects

  name   = "image"
  role   = aws_iam_role.image["image"].id
  policy = data.aws_iam_policy_document.image.json
}

data "aws_iam_policy_document" "image" {
  source_policy_documents = [data.aws_iam_policy_document.fetch_image.json]

  statement {
    sid       = "Push"
    actions   = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
    resources = [var.repository_arn]
  }
}

# What docker asks for before it fetches or pushes. A token for the registry knows no resource.
data "aws_iam_policy_document" "fetch_image" {
  statement {
    sid       = "SignInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "Image"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }
}

# What ECS itself takes to start a task of the platform, before the task has a role of its own.

data "aws_iam_policy_document" "execution" {
  # This action knows no resource.
  statement {
    sid       = "SignInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "Image"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:GetDownloadUrlForLayer",
    ]
    resources = ["arn:${local.partition}:ecr:${local.region}:${local.account}:repository/${var.name}*"]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/*"]
  }

  dynamic "statement" {
    for_each = length(flatten(values(var.secret_arns))) == 0 ? [] : [distinct(flatten(values(var.secret_arns)))]

    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

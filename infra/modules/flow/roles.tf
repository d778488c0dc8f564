# The roles of the machinery itself: what starts a flow, and what a flow may do. What a step may do is decided by its own role.

locals {
  # By the service that takes them.
  roles = { ecs-tasks = "execution", scheduler = "schedule", states = "states" }

  policies = {
    ecs-tasks = data.aws_iam_policy_document.execution.json
    scheduler = data.aws_iam_policy_document.schedule.json
    states    = data.aws_iam_policy_document.states.json
  }
}

resource "aws_iam_role" "own" {
  for_each = local.roles

  name                 = "${var.name}-${each.value}"
  path                 = "/chargeback/"
  description          = "chargeback: ${each.value} of the flows"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "own" {
  for_each = local.policies

  name   = local.roles[each.key]
  role   = aws_iam_role.own[each.key].id
  policy = each.value
}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "FetchTheImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }

  # A token for the registry knows no resource.
  statement {
    sid       = "SignInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.tasks.arn}:*"]
  }

  dynamic "statement" {
    for_each = length(var.secrets) == 0 ? [] : [values(var.secrets)]

    content {
      sid       = "FetchSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartFlows"
    actions   = ["states:StartExecution"]
    resources = [for one in aws_sfn_state_machine.flow : one.arn]
  }
}

data "aws_iam_policy_document" "states" {
  statement {
    sid       = "RunTasks"
    actions   = ["ecs:RunTask"]
    resources = ["arn:${local.partition}:ecs:${local.region}:${local.account}:task-definition/${var.name}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.this.arn]
    }
  }

  statement {
    sid       = "StopTasks"
    actions   = ["ecs:StopTask", "ecs:DescribeTasks"]
    resources = ["arn:${local.partition}:ecs:${local.region}:${local.account}:task/${var.name}/*"]
  }

  # Tasks carry the tags of their definition, so that their cost can be told apart.
  statement {
    sid       = "TagTasks"
    actions   = ["ecs:TagResource"]
    resources = ["arn:${local.partition}:ecs:${local.region}:${local.account}:task/${var.name}/*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  # runTask.sync learns through a rule of its own that a task has ended.
  statement {
    sid       = "LearnThatTasksEnd"
    actions   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
    resources = ["arn:${local.partition}:events:${local.region}:${local.account}:rule/StepFunctionsGetEventsForECSTaskRule"]
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = distinct(concat(values(var.task_role_arns), [aws_iam_role.own["ecs-tasks"].arn]))

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "WriteState"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.flow.arn]
  }

  statement {
    sid       = "Tell"
    actions   = ["sns:Publish"]
    resources = [for one in aws_sns_topic.told : one.arn]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.flow.arn]
  }

  # These know no resources: they set up where a state machine's log goes.
  statement {
    sid = "Log"
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }
}

# The roles of the machinery itself: what starts a flow, and what a flow may do. What a step may do is decided by its own role.

resource "aws_iam_role" "states" {
  name                 = "${var.name}-states"
  path                 = "/chargeback/"
  description          = "chargeback: Step Functions runs tasks, writes their state and tells"
  assume_role_policy   = data.aws_iam_policy_document.trust["states.amazonaws.com"].json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-schedule"
  path                 = "/chargeback/"
  description          = "chargeback: EventBridge starts flows"
  assume_role_policy   = data.aws_iam_policy_document.trust["scheduler.amazonaws.com"].json
  permissions_boundary = var.boundary_arn
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["states.amazonaws.com", "scheduler.amazonaws.com"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartFlows"
    actions   = ["states:StartExecution"]
    resources = [for one in aws_sfn_state_machine.flow : one.arn]
  }
}

resource "aws_iam_role_policy" "states" {
  name   = "states"
  role   = aws_iam_role.states.id
  policy = data.aws_iam_policy_document.states.json
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

  # runTask.sync learns through a rule of its own that a task has ended.
  statement {
    sid       = "LearnThatTasksEnd"
    actions   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
    resources = ["arn:${local.partition}:events:${local.region}:${local.account}:rule/StepFunctionsGetEventsForECSTaskRule"]
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = distinct(concat(values(var.task_role_arns), [var.execution_role_arn]))

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

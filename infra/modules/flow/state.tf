# What is remembered, and who is told.

# How far each step of each run is: running, waiting, retrying, done, or what it ended as.
resource "aws_dynamodb_table" "flow" {
  name                        = "${var.name}-flow"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "run"
  range_key                   = "step"
  deletion_protection_enabled = true

  attribute {
    name = "run"
    type = "S"
  }

  attribute {
    name = "step"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.flow.arn
  }
}

# The state of the daily flow: open cases, and what was sent (docs/runbook.md).
resource "aws_dynamodb_table" "daily" {
  name                        = "${var.name}-daily"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.flow.arn
  }
}

# decisions: exits 2, 3, 4 and 5, for finance and the FinOps team; operations: 6, what ended otherwise, and 4 of posture and drill.
resource "aws_sns_topic" "told" {
  for_each = toset(["decisions", "operations"])

  name              = "${var.name}-${each.key}"
  kms_master_key_id = aws_kms_key.flow.arn
}

# A machine tells of a step that fails; this tells of a machine that could not, or that was stopped by somebody.
resource "aws_cloudwatch_event_rule" "ended" {
  name        = "${var.name}-ended"
  description = "Executions that did not succeed"

  event_pattern = jsonencode({
    source        = ["aws.states"]
    "detail-type" = ["Step Functions Execution Status Change"]
    detail = {
      status          = ["FAILED", "TIMED_OUT", "ABORTED"]
      stateMachineArn = [for one in aws_sfn_state_machine.flow : one.arn]
    }
  })
}

resource "aws_cloudwatch_event_target" "ended" {
  rule = aws_cloudwatch_event_rule.ended.name
  arn  = aws_sns_topic.told["operations"].arn

  input_transformer {
    input_paths    = { execution = "$.detail.executionArn", status = "$.detail.status" }
    input_template = "\"The execution <execution> ended as <status>. What its steps did stands in the table ${aws_dynamodb_table.flow.name}.\""
  }
}

resource "aws_sns_topic_policy" "operations" {
  arn    = aws_sns_topic.told["operations"].arn
  policy = data.aws_iam_policy_document.operations.json
}

data "aws_iam_policy_document" "operations" {
  statement {
    sid       = "EventBridgeTells"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.told["operations"].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.ended.arn]
    }
  }
}

resource "aws_kms_key" "flow" {
  description         = "Logs, state and messages of ${var.name}"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.json
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:In the policy of a key, * is that key.
  #checkov:skip=CKV_AWS_111:In the policy of a key, * is that key.
  #checkov:skip=CKV_AWS_356:In the policy of a key, * is that key.
  statement {
    sid       = "TheAccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "LogsAreEncrypted"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/*"]
    }
  }

  statement {
    sid       = "EventBridgeTells"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

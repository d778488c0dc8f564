# The key of the report, its archive and the results of queries on it.

resource "aws_kms_key" "report" {
  description             = "${var.name}: the report, its archive, and results of queries"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "report" {
  name          = "alias/${var.name}-report"
  target_key_id = aws_kms_key.report.key_id
}

data "aws_iam_policy_document" "key" {
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
    sid       = "BillingDelivers"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = local.writers
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  dynamic "statement" {
    for_each = length(var.reader_arns) == 0 ? [] : [var.reader_arns]

    content {
      sid       = "FinOpsReads"
      actions   = ["kms:Decrypt"]
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

# What the task said, encrypted with a key of its own; and who may write the access log of the load balancer.

locals {
  log_prefix = "portal"
}

resource "aws_cloudwatch_log_group" "portal" {
  name              = "/${var.name}/portal"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.portal.arn
}

resource "aws_kms_key" "portal" {
  description         = "Logs of the portal of ${var.name}"
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
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/portal"]
    }
  }
}

# The books: closed periods, statements with a prefix for each business unit, what was handed out, dashboards, and the portal's
# log. Every object is written once and locked for as long as policy.toml says (docs/s3-books.md).

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  account    = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket}"
}

module "bucket" {
  source = "../bucket"

  name     = var.bucket
  key      = { arn = aws_kms_key.books.arn }
  lock     = var.lock
  log      = { bucket = var.log_bucket }
  policies = [data.aws_iam_policy_document.bucket.json]
}

data "aws_iam_policy_document" "bucket" {
  # The program puts every object on condition that nothing is there. A put without that condition is not the program's, and
  # would lay another version over a closed period.
  statement {
    sid       = "EachObjectOnce"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/${var.prefix}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }

    condition {
      test     = "Bool"
      variable = "s3:ObjectCreationOperation"
      values   = ["true"]
    }
  }

  dynamic "statement" {
    for_each = var.unit_reader_arns

    content {
      sid       = "StatementsOf${replace(title(statement.key), "-", "")}"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arn}/${var.prefix}/statements/${statement.key}/*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

# Access logs of all buckets, and of the portal: who read or wrote which object, and who asked for which page. S3 writes them with its own keys and into a bucket without a
# default retention alone.

variable "log_days" {
  description = "Days that access logs are kept."
  type        = number
  default     = 400
}

module "logs" {
  source = "../modules/bucket"

  name        = "${var.name}-logs"
  policies    = concat([data.aws_iam_policy_document.logs.json], data.aws_iam_policy_document.portal_log[*].json)
  expire_days = var.log_days
}

data "aws_partition" "this" {}

data "aws_iam_policy_document" "logs" {
  statement {
    sid       = "S3WritesLogs"
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.this.partition}:s3:::${var.name}-logs/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

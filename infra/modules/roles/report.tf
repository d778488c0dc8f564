# Reading the report: objects of the export, the two queries of a close, and their results. Nothing is written to it.

data "aws_iam_policy_document" "read_report" {
  statement {
    sid       = "Deliveries"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.report_arn}/${var.report.prefix}*"]
  }

  statement {
    sid       = "ListDeliveries"
    actions   = ["s3:ListBucket"]
    resources = [local.report_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.report.prefix}*"]
    }
  }

  statement {
    sid       = "Places"
    actions   = ["s3:GetBucketLocation"]
    resources = [local.report_arn, local.results_arn]
  }

  statement {
    sid = "Queries"
    actions = [
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
      "athena:GetWorkGroup",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]
    resources = ["arn:${local.partition}:athena:${local.region}:${local.account}:workgroup/${var.query.workgroup}"]
  }

  statement {
    sid     = "Table"
    actions = ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"]
    resources = [
      "arn:${local.partition}:glue:${local.region}:${local.account}:catalog",
      "arn:${local.partition}:glue:${local.region}:${local.account}:database/${var.query.database}",
      "arn:${local.partition}:glue:${local.region}:${local.account}:table/${var.query.database}/${var.query.table}",
    ]
  }

  statement {
    sid = "Results"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:ListMultipartUploadParts",
      "s3:PutObject",
    ]
    resources = ["${local.results_arn}/${var.query.results_prefix}*"]
  }

  statement {
    sid       = "ListResults"
    actions   = ["s3:ListBucket"]
    resources = [local.results_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.query.results_prefix}*"]
    }
  }

  statement {
    sid       = "ListResultsUploads"
    actions   = ["s3:ListBucketMultipartUploads"]
    resources = [local.results_arn]
  }

  statement {
    sid       = "ReportKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.report.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [local.via_s3]
    }
  }
}

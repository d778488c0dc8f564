# Looking at how the platform is set up, and whether it still is: settings alone, no object, no query, no key used.

data "aws_iam_policy_document" "posture" {
  source_policy_documents = local.fetch_by_itself

  statement {
    sid = "Buckets"
    actions = [
      "s3:GetBucketLogging",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration",
      "s3:GetReplicationConfiguration",
    ]
    resources = [
      local.books_arn,
      local.report_arn,
      local.results_arn,
      "${local.report_arn}-archive",
      "arn:${local.partition}:s3:::${var.name}-logs",
    ]
  }

  statement {
    sid       = "Keys"
    actions   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"]
    resources = [var.books.key_arn, var.books.signing_key_arn, var.report.key_arn]
  }

  statement {
    sid       = "Workgroup"
    actions   = ["athena:GetWorkGroup"]
    resources = ["arn:${local.partition}:athena:${local.region}:${local.account}:workgroup/${var.query.workgroup}"]
  }

  statement {
    sid     = "Table"
    actions = ["glue:GetTable"]
    resources = [
      "arn:${local.partition}:glue:${local.region}:${local.account}:catalog",
      "arn:${local.partition}:glue:${local.region}:${local.account}:database/${var.query.database}",
      "arn:${local.partition}:glue:${local.region}:${local.account}:table/${var.query.database}/${var.query.table}",
    ]
  }

  # An export's ARN ends in what AWS made up, and the other two actions know no resources.
  statement {
    sid       = "Billing"
    actions   = ["bcm-data-exports:GetExport", "bcm-data-exports:ListExports", "ce:ListCostAllocationTags"]
    resources = ["*"]
  }
}

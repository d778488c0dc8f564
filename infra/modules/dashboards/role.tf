# The role that QuickSight reads with, instead of the one that it has for the whole account. It opens what the two views stand on.

resource "aws_iam_role" "quicksight" {
  name                 = "${var.name}-quicksight"
  path                 = "/chargeback/"
  description          = "chargeback: what QuickSight reads the ledger with"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.boundary_arn
}

# QuickSight's documentation names no condition that it fulfils when it takes a role; who may hand it this one is a matter of PassRole.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "QuickSight"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["quicksight.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "quicksight" {
  name   = "quicksight"
  role   = aws_iam_role.quicksight.id
  policy = data.aws_iam_policy_document.quicksight.json
}

locals {
  books_arn   = "arn:${local.partition}:s3:::${var.books.bucket}"
  results_arn = "arn:${local.partition}:s3:::${var.results.bucket}"
  glue_arn    = "arn:${local.partition}:glue:${local.region}:${local.account}"

  # Of the books: postings, and the editions of rules and of released months.
  rooms = ["postings", "viewer_rules", "released_months"]
}

data "aws_iam_policy_document" "quicksight" {
  statement {
    sid = "Query"
    actions = [
      "athena:BatchGetQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
      "athena:GetQueryResultsStream",
      "athena:GetWorkGroup",
      "athena:ListQueryExecutions",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]
    resources = [aws_athena_workgroup.quicksight.arn]
  }

  statement {
    sid = "Catalog"
    actions = [
      "athena:GetDataCatalog",
      "athena:GetDatabase",
      "athena:GetTableMetadata",
      "athena:ListDatabases",
      "athena:ListTableMetadata",
    ]
    resources = ["arn:${local.partition}:athena:${local.region}:${local.account}:datacatalog/AwsDataCatalog"]
  }

  # Tables of the ledger begin so, and that of the report does not.
  statement {
    sid     = "Tables"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
    resources = [
      "${local.glue_arn}:catalog",
      "${local.glue_arn}:database/${var.database}",
      "${local.glue_arn}:table/${var.database}/chargeback_*",
    ]
  }

  statement {
    sid       = "FindLedger"
    actions   = ["s3:ListBucket"]
    resources = [local.books_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [for room in local.rooms : "${var.books.prefix}${room}/*"]
    }
  }

  statement {
    sid       = "ReadLedger"
    actions   = ["s3:GetObject"]
    resources = [for room in local.rooms : "${local.books_arn}/${var.books.prefix}${room}/*"]
  }

  statement {
    sid       = "Places"
    actions   = ["s3:GetBucketLocation"]
    resources = [local.books_arn, local.results_arn]
  }

  statement {
    sid       = "FindResults"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [local.results_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["quicksight/*"]
    }
  }

  statement {
    sid       = "Results"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${local.results_arn}/quicksight/*"]
  }

  statement {
    sid       = "Keys"
    actions   = ["kms:Decrypt"]
    resources = [var.books.key_arn, var.results.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "KeyToWriteResults"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.results.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

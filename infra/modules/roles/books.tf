# Reading and writing the books. Nobody deletes from them, and every put is of a new object (infra/modules/books).

data "aws_iam_policy_document" "open_books" {
  statement {
    sid       = "ListBooks"
    actions   = ["s3:ListBucket"]
    resources = [local.books_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.books.prefix}*"]
    }
  }

  statement {
    sid       = "BooksLock"
    actions   = ["s3:GetBucketLocation", "s3:GetBucketObjectLockConfiguration"]
    resources = [local.books_arn]
  }

  statement {
    sid       = "BooksKey"
    actions   = ["kms:Decrypt"]
    resources = [var.books.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [local.via_s3]
    }
  }
}

data "aws_iam_policy_document" "read_books" {
  source_policy_documents = [data.aws_iam_policy_document.open_books.json]

  statement {
    sid       = "Books"
    actions   = ["s3:GetObject"]
    resources = ["${local.books_arn}/${var.books.prefix}*"]
  }
}

data "aws_iam_policy_document" "write_books_key" {
  statement {
    sid       = "BooksKeyToWrite"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.books.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [local.via_s3]
    }
  }
}

data "aws_iam_policy_document" "close" {
  source_policy_documents = concat(local.fetch_by_itself, [
    data.aws_iam_policy_document.read_report.json,
    data.aws_iam_policy_document.read_books.json,
    data.aws_iam_policy_document.write_books_key.json,
    data.aws_iam_policy_document.read_state.json,
  ])

  statement {
    sid       = "Close"
    actions   = ["s3:PutObject", "s3:PutObjectRetention"]
    resources = [for room in local.rooms_of_a_close : "${local.books_arn}/${var.books.prefix}${room}/*"]
  }

  statement {
    sid       = "Sign"
    actions   = ["kms:GetPublicKey", "kms:Sign"]
    resources = [var.books.signing_key_arn]
  }

  dynamic "statement" {
    for_each = length(var.dataset_arns) == 0 ? [] : [var.dataset_arns]

    content {
      sid     = "RefreshDatasets"
      actions = ["quicksight:CreateIngestion", "quicksight:DescribeIngestion"]
      # An ingestion's ARN is below that of its dataset.
      resources = concat(statement.value, [for one in statement.value : "${one}/ingestion/*"])
    }
  }

  dynamic "statement" {
    for_each = length(lookup(var.secret_arns, "close", [])) == 0 ? [] : [var.secret_arns["close"]]

    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

data "aws_iam_policy_document" "daily" {
  source_policy_documents = concat(local.fetch_by_itself, [
    data.aws_iam_policy_document.read_report.json,
    data.aws_iam_policy_document.read_books.json,
    data.aws_iam_policy_document.write_dashboards.json,
    data.aws_iam_policy_document.read_state.json,
  ])

  dynamic "statement" {
    for_each = var.daily_state == null ? [] : [var.daily_state]

    content {
      sid       = "WriteState"
      actions   = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem"]
      resources = [statement.value.table_arn]
    }
  }

  dynamic "statement" {
    for_each = length(var.topic_arns) == 0 ? [] : [var.topic_arns]

    content {
      sid       = "TellOwningTeams"
      actions   = ["sns:Publish"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.topic_arns) == 0 ? [] : [var.topic_key_arn]

    content {
      sid       = "TopicsKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      # Topics are in the region of billing, which may be another than that of the roles.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = distinct([for one in var.topic_arns : "sns.${split(":", one)[3]}.amazonaws.com"])
      }
    }
  }

  dynamic "statement" {
    for_each = length(lookup(var.secret_arns, "close", [])) == 0 ? [] : [var.secret_arns["close"]]

    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

# Pages show the tickets and alerts that are open; only the daily run writes them.
data "aws_iam_policy_document" "read_state" {
  dynamic "statement" {
    for_each = var.daily_state == null ? [] : [var.daily_state]

    content {
      sid       = "State"
      actions   = ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query"]
      resources = [statement.value.table_arn]
    }
  }

  dynamic "statement" {
    for_each = var.daily_state == null ? [] : [var.daily_state]

    content {
      sid       = "StateKey"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = [statement.value.key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${local.region}.amazonaws.com"]
      }
    }
  }
}

# Pages can be made again, so that they are put without a lock; the bucket gives them its own.
data "aws_iam_policy_document" "write_dashboards" {
  source_policy_documents = [data.aws_iam_policy_document.write_books_key.json]

  statement {
    sid       = "Dashboards"
    actions   = ["s3:PutObject"]
    resources = ["${local.books_arn}/${var.books.prefix}dashboards/*"]
  }
}

data "aws_iam_policy_document" "portal" {
  source_policy_documents = [
    data.aws_iam_policy_document.open_books.json,
    data.aws_iam_policy_document.write_books_key.json,
  ]

  statement {
    sid       = "Shown"
    actions   = ["s3:GetObject"]
    resources = [for room in local.rooms_of_the_portal : "${local.books_arn}/${var.books.prefix}${room}/*"]
  }

  statement {
    sid     = "LogAndAnswers"
    actions = ["s3:PutObject", "s3:PutObjectRetention"]
    resources = [
      "${local.books_arn}/${var.books.prefix}delivery/*",
      "${local.books_arn}/${var.books.prefix}portal/*",
    ]
  }

  dynamic "statement" {
    for_each = length(lookup(var.secret_arns, "portal", [])) == 0 ? [] : [var.secret_arns["portal"]]

    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

# The report as AWS delivers it, and a locked copy of it.
#
#   Data Exports --> bucket (versions) --replication--> archive (versions, Object Lock)
#
# Deliveries go to a bucket without a lock: a default retention makes S3 demand a checksum on every put, and whether Data
# Exports sends one is not documented. What it wrote is copied to the archive within minutes, where nobody can remove it.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  # ARNs are built from names: a plan then shows whole policies, and checks can read them before anything is applied.
  bucket_arn  = "arn:${local.partition}:s3:::${var.bucket}"
  archive     = "${var.bucket}-archive"
  archive_arn = "arn:${local.partition}:s3:::${local.archive}"

  writers = ["bcm-data-exports.amazonaws.com", "billingreports.amazonaws.com"]

  source_arns = [
    "arn:${local.partition}:bcm-data-exports:us-east-1:${local.account}:export/*",
    "arn:${local.partition}:cur:us-east-1:${local.account}:definition/*",
  ]
}

resource "aws_bcmdataexports_export" "cur2" {
  provider = aws.billing

  export {
    name = var.export_name

    data_query {
      query_statement = "SELECT ${join(", ", sort(concat(local.read_by_a_close, local.read_by_people)))} FROM COST_AND_USAGE_REPORT"

      # Every option is named: AWS answers with all of them, and the provider takes one that was not named for a fault of
      # its own. Changing one makes another export, whose deliveries begin anew.
      table_configurations = {
        COST_AND_USAGE_REPORT = {
          BILLING_VIEW_ARN                      = "arn:${local.partition}:billing::${local.account}:billingview/primary"
          INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY = "FALSE"
          INCLUDE_RESOURCES                     = "TRUE"
          INCLUDE_SPLIT_COST_ALLOCATION_DATA    = "TRUE"
          TIME_GRANULARITY                      = "HOURLY"
        }
      }
    }

    destination_configurations {
      s3_destination {
        s3_bucket = module.bucket.name
        s3_prefix = var.prefix
        s3_region = data.aws_region.this.name

        s3_output_configurations {
          compression = "PARQUET"
          format      = "PARQUET"
          output_type = "CUSTOM"
          overwrite   = "CREATE_NEW_REPORT"
        }
      }
    }

    refresh_cadence {
      frequency = "SYNCHRONOUS"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

module "bucket" {
  source = "../bucket"

  name     = var.bucket
  key      = { arn = aws_kms_key.report.arn }
  log      = { bucket = var.log_bucket }
  policies = [data.aws_iam_policy_document.bucket.json]
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "BillingDelivers"
    actions   = ["s3:GetBucketPolicy", "s3:PutObject"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

    principals {
      type        = "Service"
      identifiers = local.writers
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = local.source_arns
    }
  }

  dynamic "statement" {
    for_each = length(var.reader_arns) == 0 ? [] : [var.reader_arns]

    content {
      sid       = "FinOpsReads"
      actions   = ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
      resources = [local.bucket_arn, "${local.bucket_arn}/*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

module "archive" {
  source = "../bucket"

  name         = local.archive
  key          = { arn = aws_kms_key.report.arn }
  lock         = var.lock
  log          = { bucket = var.log_bucket }
  archive_days = 30
}

resource "aws_s3_bucket_replication_configuration" "archive" {
  bucket = module.bucket.name
  role   = aws_iam_role.replication.arn

  rule {
    id     = "archive"
    status = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Disabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket        = module.archive.arn
      storage_class = "STANDARD"

      encryption_configuration {
        replica_kms_key_id = aws_kms_key.report.arn
      }
    }
  }

  depends_on = [module.archive, aws_iam_role_policy.replication]
}

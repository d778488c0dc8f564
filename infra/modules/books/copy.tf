# A copy of the books in another region, in a bucket that is not set up here: it belongs into an account that the platform's roles do
# not reach. S3 copies each object with its lock, so that bucket has Object Lock and versions. It copies what is put from now on; what
# was there before is copied by S3 Batch Replication, once.

resource "aws_s3_bucket_replication_configuration" "copy" {
  count = var.copy == null ? 0 : 1

  bucket = module.bucket.name
  role   = aws_iam_role.copy[0].arn

  rule {
    id     = "copy"
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
      bucket        = var.copy.bucket_arn
      storage_class = "STANDARD"

      # The copies belong to whoever has the bucket.
      account = var.copy.account_id

      access_control_translation {
        owner = "Destination"
      }

      encryption_configuration {
        replica_kms_key_id = var.copy.key_arn
      }
    }
  }

  depends_on = [aws_iam_role_policy.copy]
}

resource "aws_iam_role" "copy" {
  count = var.copy == null ? 0 : 1

  name                 = "${var.name}-books-copy"
  path                 = "/chargeback/"
  description          = "chargeback: S3, which copies the books"
  assume_role_policy   = data.aws_iam_policy_document.copy_trust.json
  permissions_boundary = var.boundary_arn
}

# AWS documents no condition that S3 would meet here. Only who may pass this role to S3 can have it copy, and only to that bucket.
data "aws_iam_policy_document" "copy_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "copy" {
  count = var.copy == null ? 0 : 1

  name   = "copy-books"
  role   = aws_iam_role.copy[0].id
  policy = data.aws_iam_policy_document.copy[0].json
}

data "aws_iam_policy_document" "copy" {
  count = var.copy == null ? 0 : 1

  statement {
    sid       = "What"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid = "Read"
    actions = [
      "s3:GetObjectLegalHold",
      "s3:GetObjectRetention",
      "s3:GetObjectVersionAcl",
      "s3:GetObjectVersionForReplication",
      "s3:GetObjectVersionTagging",
    ]
    resources = ["${local.bucket_arn}/*"]
  }

  statement {
    sid       = "Write"
    actions   = ["s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"]
    resources = ["${var.copy.bucket_arn}/*"]
  }

  statement {
    sid       = "Decrypt"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.books.arn]
  }

  statement {
    sid       = "Encrypt"
    actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
    resources = [var.copy.key_arn]
  }
}

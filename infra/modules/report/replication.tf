# Who copies deliveries to the archive: S3 itself, with what that takes and no more.

resource "aws_iam_role" "replication" {
  name                 = "${var.name}-replication"
  path                 = "/chargeback/"
  assume_role_policy   = data.aws_iam_policy_document.replication_trust.json
  permissions_boundary = var.boundary_arn
}

# AWS documents no condition that S3 would meet here. Only who may pass this role to S3 can have it copy, and only to the archive.
data "aws_iam_policy_document" "replication_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "replication" {
  name   = "copy-deliveries"
  role   = aws_iam_role.replication.id
  policy = data.aws_iam_policy_document.replication.json
}

data "aws_iam_policy_document" "replication" {
  statement {
    sid       = "What"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "Read"
    actions   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    resources = ["${local.bucket_arn}/*"]
  }

  statement {
    sid       = "Write"
    actions   = ["s3:ReplicateObject", "s3:ReplicateTags"]
    resources = ["${local.archive_arn}/*"]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.report.arn]
  }
}

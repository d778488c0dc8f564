# Two keys: one that encrypts the books, and one that signs them and never leaves KMS (docs/secrets.md).

resource "aws_kms_key" "books" {
  description             = "${var.name}: the books"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.books_key.json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "books" {
  name          = "alias/${var.name}-books"
  target_key_id = aws_kms_key.books.key_id
}

data "aws_iam_policy_document" "books_key" {
  # The account itself, so that policies of roles decide who uses the key (infra/modules/roles).
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  dynamic "statement" {
    for_each = length(var.unit_reader_arns) == 0 ? [] : [distinct(flatten(values(var.unit_reader_arns)))]

    content {
      sid       = "UnitsRead"
      actions   = ["kms:Decrypt"]
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

# Keys that sign are not rotated by AWS: the certificate names this one. docs/secrets.md says how to take another.
resource "aws_kms_key" "signing" {
  description              = "${var.name}: signs statements and manifests"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "RSA_3072"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.signing_key.json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "signing" {
  name          = "alias/${var.name}-signing"
  target_key_id = aws_kms_key.signing.key_id
}

data "aws_iam_policy_document" "signing_key" {
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

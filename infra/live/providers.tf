provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

# Data Exports answers in us-east-1 alone.
provider "aws" {
  alias               = "billing"
  region              = "us-east-1"
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

locals {
  tags = merge({ "managed-by" = "terraform", "application" = "chargeback" }, var.tags)
}

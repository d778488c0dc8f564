# Charges in QuickSight (docs/quicksight.md): the stack with data source, datasets, their schedules, analysis and dashboard, and
# what QuickSight reads with: a role and a workgroup of its own, by which it gets at the ledger and the rules, and at no report.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.name

  datasets = { rules = "${var.name}-viewer-rules", charges = "${var.name}-charges" }
}

# CloudFormation inside Terraform: the dataset of rules needs UseAs, for which the provider of AWS has no argument in all versions
# that this platform takes.
resource "aws_cloudformation_stack" "quicksight" {
  #checkov:skip=CKV_AWS_124:Terraform itself waits for the stack and tells how it ended.
  name          = "${var.name}-quicksight"
  template_body = file("${path.module}/../../quicksight/template.yml")
  on_failure    = "ROLLBACK"

  parameters = {
    Prefix     = var.name
    OwnerArn   = var.owner_arn
    ReadersArn = var.readers_arn
    Namespace  = var.namespace
    Database   = var.database
    WorkGroup  = aws_athena_workgroup.quicksight.name
    RoleArn    = aws_iam_role.quicksight.arn
  }

  # QuickSight tries the data source when it is made.
  depends_on = [aws_iam_role_policy.quicksight]
}

resource "aws_athena_workgroup" "quicksight" {
  name        = "${var.name}-quicksight"
  description = "Queries of QuickSight on the ledger, apart from those of the close"
  state       = "ENABLED"

  configuration {
    enforce_workgroup_configuration    = true
    bytes_scanned_cutoff_per_query     = var.cutoff_bytes
    publish_cloudwatch_metrics_enabled = true
    requester_pays_enabled             = false

    result_configuration {
      output_location       = "s3://${var.results.bucket}/quicksight/"
      expected_bucket_owner = local.account

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.results.key_arn
      }
    }
  }
}

# The boundary of every role of the platform: whatever a policy says, a role can do no more than this. The role that deploys may
# make roles with this boundary alone and may not change it, so that no workflow can give itself the report or the books' locks.

resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-boundary"
  path        = "/chargeback/"
  description = "What no role of the platform can go beyond"
  policy      = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  statement {
    sid = "WhatRuns"
    actions = [
      "athena:*",
      "bcm-data-exports:GetExport",
      "bcm-data-exports:ListExports",
      "ce:ListCostAllocationTags",
      "dynamodb:*Item",
      "dynamodb:DescribeTable",
      "dynamodb:Query",
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
      "ecs:DescribeTasks",
      "ecs:RunTask",
      "ecs:StopTask",
      "ecs:TagResource",
      "events:DescribeRule",
      "events:PutRule",
      "events:PutTargets",
      "glue:Get*",
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:GetPublicKey",
      "kms:Sign",
      "logs:*LogDelivery",
      "logs:CreateLogStream",
      "logs:Describe*",
      "logs:ListLogDeliveries",
      "logs:PutLogEvents",
      "logs:PutResourcePolicy",
      "quicksight:*Ingestion",
      "s3:AbortMultipartUpload",
      "s3:Get*",
      "s3:List*",
      "s3:ObjectOwnerOverrideToBucketOwner",
      "s3:PutObject",
      "s3:PutObjectRetention",
      "s3:ReplicateObject",
      "s3:ReplicateTags",
      "secretsmanager:GetSecretValue",
      "sns:Publish",
      "states:StartExecution",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::${var.account_id}:role/chargeback/*"]
  }
}

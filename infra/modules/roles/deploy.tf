# What Terraform takes: to look at settings (plan), and to make and change them (deploy). Neither reads a line of the report or
# of the books, and what nobody may do by a workflow at all is denied by name: whoever changes a lock, the boundary or the roles
# of workflows does it as a person.

locals {
  state_arn = "arn:${local.partition}:s3:::${var.state.bucket}"
  own_arn   = "arn:${local.partition}:iam::${local.account}"

  buckets = "arn:${local.partition}:s3:::${var.name}-*"

  # Every object of the platform's buckets; the state's bucket begins with the same name and is not among them.
  objects = [
    "${local.books_arn}/*",
    "${local.report_arn}-archive/*",
    "${local.report_arn}/*",
    "${local.results_arn}/*",
    "arn:${local.partition}:s3:::${var.name}-logs/*",
  ]

  # Things of this platform by their names, for each service that modules use.
  named = [
    "arn:${local.partition}:athena:*:${local.account}:workgroup/${var.name}*",
    "arn:${local.partition}:dynamodb:*:${local.account}:table/${var.name}*",
    "arn:${local.partition}:ecr:*:${local.account}:repository/${var.name}*",
    "arn:${local.partition}:ecs:*:${local.account}:*/${var.name}*",
    "arn:${local.partition}:events:*:${local.account}:rule/${var.name}*",
    "arn:${local.partition}:glue:*:${local.account}:catalog",
    "arn:${local.partition}:glue:*:${local.account}:database/${var.query.database}",
    "arn:${local.partition}:glue:*:${local.account}:table/${var.query.database}/*",
    "arn:${local.partition}:logs:*:${local.account}:log-group:/${var.name}/*",
    "arn:${local.partition}:scheduler:*:${local.account}:schedule/*/${var.name}*",
    "arn:${local.partition}:sns:*:${local.account}:${var.name}*",
    "arn:${local.partition}:states:*:${local.account}:stateMachine:${var.name}*",
  ]

  services = ["athena", "dynamodb", "ecr", "ecs", "events", "glue", "logs", "scheduler", "sns", "states"]
  looks    = ["Describe*", "Get*", "List*"]
  changes  = ["Create*", "Delete*", "Put*", "Register*", "Remove*", "Set*", "Tag*", "Untag*", "Update*"]
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "State"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = [local.state_arn, "${local.state_arn}/${var.state.key}"]
  }

  statement {
    sid = "BucketsAreSetUp"
    actions = [
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
    ]
    resources = [local.buckets]
  }

  statement {
    sid       = "NamedThings"
    actions   = [for pair in setproduct(local.services, local.looks) : join(":", pair)]
    resources = local.named
  }

  statement {
    sid = "Roles"
    actions = [
      "iam:GetOpenIDConnectProvider",
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListPolicyVersions",
      "iam:ListRolePolicies",
    ]
    resources = [
      "${local.own_arn}:oidc-provider/${local.github_host}",
      "${local.own_arn}:policy/chargeback/*",
      "${local.own_arn}:role/chargeback/*",
    ]
  }

  # These services name no resources in such questions, or the resource is not known by its name.
  statement {
    sid = "Questions"
    actions = [
      "bcm-data-exports:GetExport",
      "bcm-data-exports:ListTagsForResource",
      "ce:GetAnomalyMonitors",
      "ce:GetAnomalySubscriptions",
      "ce:ListCostAllocationTags",
      "ce:ListTagsForResource",
      "cloudformation:DescribeStacks",
      "cloudformation:GetTemplate",
      "ec2:DescribeSecurityGroupRules",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
      "ecs:DescribeTaskDefinition",
      "elasticloadbalancing:Describe*",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListResourceTags",
      "logs:DescribeLogGroups",
      "states:ValidateStateMachineDefinition",
      "sts:GetCallerIdentity",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "WriteState"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.state_arn}/${var.state.key}", "${local.state_arn}/${var.state.key}.tflock"]
  }

  statement {
    sid = "SetUpBuckets"
    actions = [
      "s3:CreateBucket",
      "s3:PutBucket*",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
      "s3:PutReplicationConfiguration",
    ]
    resources = [local.buckets]
  }

  statement {
    sid       = "SetUpNamedThings"
    actions   = [for pair in setproduct(local.services, local.changes) : join(":", pair)]
    resources = local.named
  }

  statement {
    sid = "SetUpRoles"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
    ]
    resources = ["${local.own_arn}:role/chargeback/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [var.boundary_arn]
    }
  }

  statement {
    sid       = "ChangeRoles"
    actions   = ["iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"]
    resources = ["${local.own_arn}:role/chargeback/*"]
  }

  statement {
    sid       = "HandRolesToServices"
    actions   = ["iam:PassRole"]
    resources = ["${local.own_arn}:role/chargeback/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"]
    }
  }

  statement {
    sid       = "SetUpKeys"
    actions   = ["kms:CreateAlias", "kms:CreateKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:TagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription"]
    resources = ["*"]
  }

  statement {
    sid       = "SetUpTheExport"
    actions   = ["bcm-data-exports:CreateExport", "bcm-data-exports:TagResource", "bcm-data-exports:UpdateExport", "cur:PutReportDefinition", "ecs:DeregisterTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }

  statement {
    sid = "SetUpAlerts"
    actions = [
      "ce:*TagResource",
      "ce:CreateAnomaly*",
      "ce:DeleteAnomaly*",
      "ce:UpdateAnomaly*",
      "ce:UpdateCostAllocationTagsStatus",
    ]
    resources = ["*"]
  }

  # Who hears of a topic.
  statement {
    sid       = "SetUpSubscriptions"
    actions   = ["sns:Subscribe", "sns:Unsubscribe"]
    resources = ["arn:${local.partition}:sns:*:${local.account}:${var.name}*"]
  }

  statement {
    sid    = "NoData"
    effect = "Deny"
    actions = [
      "athena:GetQueryResults",
      "athena:StartQueryExecution",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "ecr:PutImage",
      "kms:Decrypt",
      "kms:Sign",
      "logs:GetLogEvents",
      "logs:PutLogEvents",
      "states:StartExecution",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "NoObjects"
    effect    = "Deny"
    actions   = ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*"]
    resources = local.objects
  }

  statement {
    sid    = "OnlyPeople"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreatePolicyVersion",
      "iam:DeletePolicy",
      "iam:DeletePolicyVersion",
      "iam:DeleteRole",
      "iam:DeleteRolePermissionsBoundary",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
      "iam:SetDefaultPolicyVersion",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
    ]
    resources = [
      var.boundary_arn,
      "${local.own_arn}:policy/chargeback/${var.name}-deploy",
      "${local.own_arn}:policy/chargeback/${var.name}-plan",
      "${local.own_arn}:role/chargeback/${var.name}-deploy",
      "${local.own_arn}:role/chargeback/${var.name}-plan",
    ]
  }

  statement {
    sid       = "NothingIsTakenAway"
    effect    = "Deny"
    actions   = ["bcm-data-exports:DeleteExport", "kms:DisableKey", "kms:ScheduleKeyDeletion", "s3:BypassGovernanceRetention", "s3:DeleteBucket*", "s3:PutBucketObjectLockConfiguration"]
    resources = ["*"]
  }
}

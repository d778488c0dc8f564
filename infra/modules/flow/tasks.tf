# Where a step runs: one task definition for all, and the role of the step in its place.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.name
  container = "chargeback"

  # What the image leaves writable; everything else of a task is read-only.
  writable = { data = "/data", tmp = "/tmp" }

  falcon = var.falcon_options == "" ? [] : ["SYS_PTRACE"]

  variables = merge(var.environment, { for options in compact([var.falcon_options]) : "FALCONCTL_OPTS" => options }, {
    AWS_DEFAULT_REGION = local.region # boto3 reads this one, and not AWS_REGION
    AWS_REGION         = local.region
    CHARGEBACK_BOOKS   = var.books
    CHARGEBACK_STATE   = "dynamodb:${aws_dynamodb_table.daily.name}"
  })
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.own["ecs-tasks"].arn

  # No task_role_arn: a task that is started without a step's role can do nothing.

  ephemeral_storage {
    size_in_gib = var.disk_gib
  }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = local.writable

    content {
      name = volume.key
    }
  }

  container_definitions = jsonencode([{
    name                   = local.container
    image                  = var.image
    essential              = true
    memory                 = var.memory_mib
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true, capabilities = { add = local.falcon, drop = [] } }
    mountPoints            = [for name, path in local.writable : { sourceVolume = name, containerPath = path, readOnly = false }]
    environment            = [for name, value in local.variables : { name = name, value = value }]
    secrets                = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.tasks.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "chargeback"
      }
    }
  }])
}

resource "aws_security_group" "tasks" {
  #checkov:skip=CKV2_AWS_5:Tasks are attached to it when they start, by the state machine.
  name        = "${var.name}-tasks"
  description = "Tasks of chargeback: nothing comes in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.tasks.id
  description       = "AWS, ServiceNow, a time stamp authority"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_cloudwatch_log_group" "tasks" {
  name              = "/${var.name}/tasks"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.flow.arn
}

resource "aws_cloudwatch_log_group" "states" {
  name              = "/${var.name}/states"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.flow.arn
}

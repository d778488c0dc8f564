# The portal (docs/platform-portal.md): one task of ECS behind a load balancer that ends TLS. One process serves a set of books,
# for a second one would not know whom the first signed out: a new one starts when the old one has ended.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.name
  container = "portal"
  port      = 8095

  # What the image leaves writable; everything else of the task is read-only.
  writable = { data = "/data", tmp = "/tmp" }

  vault = var.vault == null ? {} : {
    VAULT_ADDR                  = var.vault.address
    VAULT_NAMESPACE             = var.vault.namespace
    CHARGEBACK_SECRETS          = "vault:${var.vault.path}"
    CHARGEBACK_VAULT_AUTH       = "aws"
    CHARGEBACK_VAULT_AUTH_MOUNT = var.vault.auth_mount
    CHARGEBACK_VAULT_ROLE       = var.vault.role
    CHARGEBACK_VAULT_SERVER_ID  = var.vault.server_id
  }

  variables = merge(var.environment, { for name, value in local.vault : name => value if value != null }, {
    AWS_DEFAULT_REGION        = local.region # boto3 reads this one, and not AWS_REGION
    AWS_REGION                = local.region
    CHARGEBACK_BOOKS          = var.books.location
    CHARGEBACK_KMS_KEY_ID     = var.books.key_arn
    CHARGEBACK_PORTAL_LISTEN  = "0.0.0.0:${local.port}"
    CHARGEBACK_PORTAL_PROXIES = join(",", sort([for one in data.aws_subnet.load_balancer : one.cidr_block]))
  })
}

resource "aws_ecs_cluster" "own" {
  count = var.cluster == null ? 1 : 0
  name  = "${var.name}-portal"

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "portal" {
  family                   = "${var.name}-portal"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = var.task_role_arn

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
    command                = ["portal"]
    essential              = true
    memory                 = var.memory_mib
    readonlyRootFilesystem = true
    portMappings           = [{ containerPort = local.port, protocol = "tcp" }]
    linuxParameters        = { initProcessEnabled = true, capabilities = { add = [], drop = ["ALL"] } }
    mountPoints            = [for name, path in local.writable : { sourceVolume = name, containerPath = path, readOnly = false }]
    environment            = [for name, value in local.variables : { name = name, value = value }]
    secrets                = [for one in var.client_secret[*] : { name = "CHARGEBACK_PORTAL_CLIENT_SECRET", valueFrom = one.arn }]

    # What was asked is answered in 20 seconds; then the access log is put to the books.
    stopTimeout = 90

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.portal.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "portal"
      }
    }
  }])
}

resource "aws_ecs_service" "portal" {
  name                   = "portal"
  cluster                = try(var.cluster.arn, aws_ecs_cluster.own[0].arn)
  task_definition        = aws_ecs_task_definition.portal.arn
  launch_type            = "FARGATE"
  platform_version       = "LATEST"
  enable_execute_command = false
  propagate_tags         = "TASK_DEFINITION"

  # Exactly one: the old task ends before the new one starts.
  desired_count                      = 1
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  availability_zone_rebalancing      = "DISABLED"

  # The books are copied before anything is answered.
  health_check_grace_period_seconds = 600

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.portal.arn
    container_name   = local.container
    container_port   = local.port
  }

  # A task that starts before it may fetch its image fails.
  depends_on = [aws_lb_listener.https, aws_iam_role_policy.execution]
}

resource "aws_security_group" "task" {
  name        = "${var.name}-portal"
  description = "The portal: its load balancer alone comes in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "from_the_load_balancer" {
  security_group_id            = aws_security_group.task.id
  description                  = "The load balancer"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.load_balancer.id
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset([for one in var.egress_ports : tostring(one)])

  security_group_id = aws_security_group.task.id
  description       = "AWS, the identity provider, Vault"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
}

# The way in: TLS ends at a load balancer, which stands in subnets of its own. The portal believes what comes from them
# (CHARGEBACK_PORTAL_PROXIES), so that nothing else belongs there.

locals {
  # What is open to everybody says so, in a tag that infra/policies look for.
  exposure = var.internet_facing ? { reachable-from = "internet" } : {}
}

data "aws_subnet" "load_balancer" {
  count = length(var.load_balancer_subnet_ids)
  id    = var.load_balancer_subnet_ids[count.index]
}

resource "aws_lb" "portal" {
  #checkov:skip=CKV2_AWS_28:A firewall for the web is yours to attach, by the output load_balancer; the portal itself limits how often is asked.
  name                       = "${var.name}-portal"
  load_balancer_type         = "application"
  internal                   = !var.internet_facing
  ip_address_type            = "ipv4"
  subnets                    = var.load_balancer_subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  enable_deletion_protection = true
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  preserve_host_header       = true
  xff_header_processing_mode = "append"

  # Shorter than the portal keeps a connection (chargeback/portal/serve.py): else a request meets one that just ended.
  idle_timeout = 60

  access_logs {
    bucket  = var.log_bucket
    prefix  = local.log_prefix
    enabled = true
  }

  tags = local.exposure
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.portal.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.portal.arn
  }
}

# Whoever types a host's name without https is sent on, and nothing is answered before.
resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.portal.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_target_group" "portal" {
  #checkov:skip=CKV_AWS_378:The portal speaks http, inside the network, to the load balancer alone.
  name                 = "${var.name}-portal"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = local.port
  deregistration_delay = 30

  health_check {
    path                = "/health"
    matcher             = "200"
    interval            = 15
    timeout             = 10
    healthy_threshold   = 2
    unhealthy_threshold = 4
  }
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-portal-load-balancer"
  description = "The portal's load balancer: browsers of named networks come in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "browsers" {
  for_each = { for pair in setproduct(var.client_cidrs, [80, 443]) : join(" ", pair) => { network = pair[0], port = pair[1] } }

  security_group_id = aws_security_group.load_balancer.id
  description       = each.value.port == 443 ? "Browsers" : "Browsers, which are sent to https"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.network
  tags              = local.exposure
}

resource "aws_vpc_security_group_egress_rule" "to_the_task" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "The portal"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.task.id
}

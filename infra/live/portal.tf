# The portal behind TLS (docs/platform-portal.md). It runs in the cluster of the flows where these are set up.

variable "portal" {
  description = "The portal behind TLS: image by its digest, network, certificate, who reaches it, and where its secret is. null without one."
  type = object({
    image                    = string
    vpc_id                   = string
    subnet_ids               = list(string)
    load_balancer_subnet_ids = list(string)
    client_cidrs             = list(string)
    certificate_arn          = string
    internet_facing          = optional(bool, false)
    client_secret_arn        = optional(string)
    vault                    = optional(object({ address = string, path = string, role = string, namespace = optional(string), auth_mount = optional(string), server_id = optional(string) }))
    egress_ports             = optional(set(number), [443])
    environment              = optional(map(string), {})
    cpu                      = optional(number, 1024)
    memory_mib               = optional(number, 2048)
    disk_gib                 = optional(number, 21)
  })
  default = null
}

module "portal" {
  source = "../modules/portal"
  count  = var.portal == null ? 0 : 1

  name                     = var.name
  boundary_arn             = aws_iam_policy.boundary.arn
  image                    = var.portal.image
  repository_arn           = module.registry.repository.arn
  task_role_arn            = module.roles.arns["portal"]
  cluster                  = var.flow == null ? null : { arn = module.flow[0].cluster_arn }
  vpc_id                   = var.portal.vpc_id
  subnet_ids               = var.portal.subnet_ids
  load_balancer_subnet_ids = var.portal.load_balancer_subnet_ids
  client_cidrs             = var.portal.client_cidrs
  certificate_arn          = var.portal.certificate_arn
  internet_facing          = var.portal.internet_facing
  client_secret            = var.portal.client_secret_arn == null ? null : { arn = var.portal.client_secret_arn }
  vault                    = var.portal.vault
  egress_ports             = var.portal.egress_ports
  environment              = var.portal.environment
  cpu                      = var.portal.cpu
  memory_mib               = var.portal.memory_mib
  disk_gib                 = var.portal.disk_gib
  log_bucket               = module.logs.name
  books                    = { location = module.books.location, key_arn = module.books.key_arn }
}

# Load balancers write their logs by themselves, below the account's own id alone, and with S3's own keys.
data "aws_iam_policy_document" "portal_log" {
  count = var.portal == null ? 0 : 1

  statement {
    sid       = "LoadBalancersWriteLogs"
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.this.partition}:s3:::${var.name}-logs/portal/AWSLogs/${var.account_id}/*"]

    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

output "portal" {
  description = "Load balancer, service, log and security group of the portal; null without it."
  value       = one(module.portal)
}

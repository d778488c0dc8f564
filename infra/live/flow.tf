# What runs unattended, and the repository of its image. The repository is always there: it costs nothing while it is empty, and an
# image has to be in it before a flow can name one by its digest.

variable "flow" {
  description = "The close and the daily run on schedule: image by its digest, network, and what differs from a plain installation. null until an image is there."
  type = object({
    image          = string
    vpc_id         = string
    subnet_ids     = list(string)
    approvers      = bool
    enabled        = optional(bool, false)
    environment    = optional(map(string), {})
    secrets        = optional(map(string), {})
    falcon_options = optional(string, "")
    cpu            = optional(number, 2048)
    memory_mib     = optional(number, 8192)
    disk_gib       = optional(number, 50)
  })
  default = null
}

module "registry" {
  source = "../modules/registry"

  name = var.name
}

module "flow" {
  source = "../modules/flow"
  count  = var.flow == null ? 0 : 1

  name           = var.name
  boundary_arn   = aws_iam_policy.boundary.arn
  image          = var.flow.image
  repository_arn = module.registry.repository.arn
  vpc_id         = var.flow.vpc_id
  subnet_ids     = var.flow.subnet_ids
  approvers      = var.flow.approvers
  enabled        = var.flow.enabled
  environment    = merge(local.environment, var.flow.environment)
  secrets        = var.flow.secrets
  falcon_options = var.flow.falcon_options
  cpu            = var.flow.cpu
  memory_mib     = var.flow.memory_mib
  disk_gib       = var.flow.disk_gib

  # The daily run reads the open month as it was delivered; only a close needs the workgroup.
  cur   = { close = "athena", daily = module.report.location }
  books = module.books.location

  task_role_arns = {
    close     = module.roles.arns["close"]
    rendering = module.roles.arns["rendering"]
    daily     = module.roles.arns["daily"]
    posture   = module.roles.arns["posture"]
  }
}

locals {
  # What the program is told of everything that stands here; `flow.environment` may say otherwise.
  environment = merge({
    CHARGEBACK_ATHENA_DATABASE  = module.query.database
    CHARGEBACK_ATHENA_REGION    = var.region
    CHARGEBACK_ATHENA_TABLE     = module.query.table
    CHARGEBACK_ATHENA_WORKGROUP = module.query.workgroup
    CHARGEBACK_KMS_KEY_ID       = module.books.key_arn
    CHARGEBACK_SIGNING_KEY      = "kms:${module.books.signing_key_arn}"
  }, var.alerts == null ? {} : { CHARGEBACK_TOPICS = jsonencode(module.alerts[0].topics) })
}

output "repository" {
  description = "IMAGE_REPOSITORY: where the image is pushed to."
  value       = module.registry.repository.url
}

output "flow" {
  description = "State machines, topics, tables, log and key of what runs unattended; null without it."
  value       = one(module.flow)
}

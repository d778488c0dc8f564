variable "name" {
  description = "What names of resources begin with."
  type        = string
}

variable "image" {
  description = "The image that infra/image builds, by its digest, with your params in it: [portal] of sources.toml, viewers.toml."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image ends in @sha256: and the digest; the workflow image prints it."
  }
}

variable "task_role_arn" {
  description = "Role of the portal: portal of infra/modules/roles."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary that every role carries."
  type        = string
}

variable "repository_arn" {
  description = "Repository of the image, from which the task may fetch."
  type        = string
}

variable "cluster" {
  description = "Cluster of ECS to run in, such as that of the flows; null for one of its own."
  type        = object({ arn = string })
  default     = null
}

variable "vpc_id" {
  description = "Network of the load balancer and the task. The task reaches AWS and the identity provider through endpoints or a NAT gateway."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the task."
  type        = list(string)
}

variable "load_balancer_subnet_ids" {
  description = "Subnets of the load balancer, in two availability zones or more, and of nothing else: the portal believes what comes from them."
  type        = list(string)

  validation {
    condition     = length(distinct(var.load_balancer_subnet_ids)) >= 2
    error_message = "A load balancer takes subnets in two availability zones."
  }
}

variable "internet_facing" {
  description = "Whether the load balancer has public addresses. Without it the portal is reached from your networks alone."
  type        = bool
  default     = false
}

variable "client_cidrs" {
  description = "Networks that browsers come from, such as those of offices and VPN. Everybody (0.0.0.0/0) only with internet_facing."
  type        = list(string)

  validation {
    condition     = alltrue([for one in var.client_cidrs : can(cidrnetmask(one))]) && length(var.client_cidrs) > 0
    error_message = "client_cidrs takes networks of IPv4, such as 10.0.0.0/8."
  }

  validation {
    condition     = var.internet_facing || alltrue([for one in var.client_cidrs : !endswith(one, "/0")])
    error_message = "0.0.0.0/0 is everybody. Say internet_facing = true if that is meant."
  }
}

variable "certificate_arn" {
  description = "Certificate of ACM for the host in the portal's address, in this region."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "certificate_arn takes the ARN of a certificate of ACM."
  }
}

variable "log_bucket" {
  description = "Bucket of access logs, whose policy lets this load balancer write (policy_of_logs)."
  type        = string
}

variable "books" {
  description = "The books: s3://bucket/prefix, and their key."
  type        = object({ location = string, key_arn = string })
}

variable "client_secret" {
  description = "The portal's secret at the identity provider, as text in Secrets Manager, encrypted with a key of AWS's. null where Vault has it, or the client is public."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = var.client_secret == null || can(regex("^arn:aws[a-z-]*:secretsmanager:[^*?]+$", var.client_secret.arn))
    error_message = "client_secret takes the ARN of a single secret: no value, no wildcard."
  }
}

variable "vault" {
  description = "Vault or OpenBao with the portal's secret: address, path of it (mount/path), and the role that the task's own role signs in as (docs/secrets.md)."
  type        = object({ address = string, path = string, role = string, namespace = optional(string), auth_mount = optional(string), server_id = optional(string) })
  default     = null

  validation {
    condition     = var.vault == null || try(startswith(var.vault.address, "https://"), false)
    error_message = "Vault's address is https."
  }

  validation {
    condition     = var.vault == null || var.client_secret == null
    error_message = "The secret is in Vault or in Secrets Manager, not in both."
  }
}

variable "environment" {
  description = "Further variables of the program. No secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for one in keys(var.environment) : !can(regex("(?i)password|secret|token|api_key", one))])
    error_message = "A secret is named by client_secret or vault, never given."
  }
}

variable "egress_ports" {
  description = "Ports that the task may call: 443 for AWS and the identity provider; Vault often answers at 8200."
  type        = set(number)
  default     = [443]
}

variable "cpu" {
  description = "CPU units of the task; 1024 are one core."
  type        = number
  default     = 1024
}

variable "memory_mib" {
  description = "Memory of the task."
  type        = number
  default     = 2048
}

variable "disk_gib" {
  description = "Disk of the task, which holds a local copy of the books: 21 or more."
  type        = number
  default     = 21
}

variable "log_days" {
  description = "Days that the task's log is kept."
  type        = number
  default     = 400
}

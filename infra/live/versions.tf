terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # Where the state is: terraform init -backend-config=state.hcl (docs/platform.md). S3 itself keeps two runs from writing at once.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

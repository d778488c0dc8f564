terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"

      # Data Exports answers in us-east-1 alone, wherever the buckets are.
      configuration_aliases = [aws.billing]
    }
  }
}

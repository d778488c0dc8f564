terraform {
  required_version = ">= 1.11"

  required_providers {
    datadog = {
      source  = "DataDog/datadog"
      version = ">= 3.82, < 4.0"
    }
  }
}

# Keys come from the environment: DD_API_KEY and DD_APP_KEY. None stands here.
provider "datadog" {
  api_url = var.api_url
}

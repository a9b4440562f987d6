terraform {
  # 1.11: write-only arguments keep secrets out of the state.
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.27: streamed responses through a link to an internal load balancer.
      version = "~> 6.27"
    }
  }

  # Filled in by `-backend-config=envs/<environment>.backend.hcl`.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  # Whoever holds credentials of another account stops here.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = {
      Project     = "pidima"
      Environment = var.environment
      Owner       = var.owner
      CostCenter  = var.cost_center
      ManagedBy   = "terraform"
      DataClass   = "tenant"
    }
  }
}

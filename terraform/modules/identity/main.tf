# Logins of people and of machines. The service is told the issuer and the browser client; it knows people by issuer and
# subject and reads tenant and role from the groups, which no client may write.

resource "aws_cognito_user_pool" "this" {
  name                     = var.name
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  user_pool_tier           = "ESSENTIALS"
  mfa_configuration        = var.second_factor_required ? "ON" : "OPTIONAL"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]

  username_configuration {
    case_sensitive = false
  }

  software_token_mfa_configuration {
    enabled = true
  }

  # People come by invitation: nobody makes an account for themselves.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  password_policy {
    minimum_length                   = 14
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = true
    temporary_password_validity_days = 3
  }

  # A new address counts once it is proven.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  domain                = var.domain_prefix
  user_pool_id          = aws_cognito_user_pool.this.id
  managed_login_version = 2
}

# With the second version of the login pages each client needs a style; this is the one of Cognito.
resource "aws_cognito_managed_login_branding" "browser" {
  client_id                   = aws_cognito_user_pool_client.browser.id
  user_pool_id                = aws_cognito_user_pool.this.id
  use_cognito_provided_values = true
}

# Groups `pidima:<tenant>:<role>` make members of that tenant. Most are made while the service runs; those here are kept
# by this configuration.
resource "aws_cognito_user_group" "this" {
  for_each = var.groups

  name         = each.key
  description  = "Members of tenant ${split(":", each.key)[1]} with the role ${split(":", each.key)[2]}"
  user_pool_id = aws_cognito_user_pool.this.id
}

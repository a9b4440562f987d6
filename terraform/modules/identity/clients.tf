# Scopes are named as those of API keys. At the gateway they open the tree of tokens; what a caller may do there is
# decided by the service, from the role in the tenant.
resource "aws_cognito_resource_server" "api" {
  identifier   = var.resource_server
  name         = var.name
  user_pool_id = aws_cognito_user_pool.this.id

  dynamic "scope" {
    for_each = local.scopes

    content {
      scope_name        = scope.key
      scope_description = scope.value
    }
  }
}

locals {
  scopes = {
    ask             = "Search, ask, and read conversations"
    documents_read  = "Read collections and documents"
    documents_write = "Change collections and documents"
    manage          = "Manage keys, members and settings of a tenant"
  }
}

# Browsers: a code with PKCE, and no secret that a page could lose.
resource "aws_cognito_user_pool_client" "browser" {
  name                                 = "${var.name}-browser"
  user_pool_id                         = aws_cognito_user_pool.this.id
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = concat(["openid", "email", "profile"], [for name in keys(local.scopes) : "${aws_cognito_resource_server.api.identifier}/${name}"])
  callback_urls                        = var.callback_urls
  logout_urls                          = var.logout_urls
  supported_identity_providers         = ["COGNITO"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  # An address is the person here: who logs in can not change it.
  read_attributes  = ["email", "email_verified", "name"]
  write_attributes = ["name"]

  access_token_validity  = 15
  id_token_validity      = 15
  refresh_token_validity = 12

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "hours"
  }
}

# Machines: a client of their own each, with the scopes that it needs. Its secret is made by Cognito and is therefore in
# the state, which is why there is none by default; API keys of the service need no such secret.
resource "aws_cognito_user_pool_client" "machine" {
  for_each = var.machine_clients

  name                                 = "${var.name}-${each.key}"
  user_pool_id                         = aws_cognito_user_pool.this.id
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = [for scope in each.value : "${aws_cognito_resource_server.api.identifier}/${scope}"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]
  enable_token_revocation              = true
  access_token_validity                = 15

  token_validity_units {
    access_token = "minutes"
  }
}

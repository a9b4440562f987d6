# Logins of people and machines.

module "identity" {
  source = "./modules/identity"

  name            = local.name
  domain_prefix   = var.login.domain_prefix
  resource_server = local.public_url
  # The login of the service, and the page that tries the API.
  callback_urls          = ["${local.public_url}/login/callback", "${local.public_url}/docs/oauth2-redirect.html"]
  logout_urls            = ["${local.public_url}/login"]
  machine_clients        = var.login.machine_clients
  groups                 = var.login.groups
  second_factor_required = var.login.second_factor_required
  deletion_protection    = var.protected
}

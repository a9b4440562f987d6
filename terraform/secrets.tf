# Secrets and settings. Values come in as ephemeral variables and go out by write-only arguments: no state and no plan
# holds one. A value is given when its secret is made and when its version counts up.

module "secrets" {
  source = "./modules/secrets"

  name          = local.name
  key_arn       = module.keys.arns["secrets"]
  recovery_days = var.protected ? 30 : 7

  secrets = merge(
    {
      "app-database"     = { description = "Role pidima_app of Aurora: its password, and the address with it", version = var.secret_versions.app_database_password }
      "redis-url"        = { description = "Address of Valkey with the password of the service's user", version = var.secret_versions.cache_password }
      "signing-secret"   = { description = "Signs widget tokens; a new one ends all that are out", version = var.secret_versions.signing_secret }
      "password-peppers" = { description = "Peppers of password hashes, the current one first", version = var.secret_versions.password_peppers }
    },
    var.openai == null ? {} : {
      "openai-api-key" = { description = "Key of the model server that speaks OpenAI's API", version = var.secret_versions.openai_api_key }
    },
  )

  values = {
    # The program reads these two itself: JSON objects whose keys are names of settings.
    "app-database" = var.app_database_password == null ? null : jsonencode({
      "PIDIMA_APP_PASSWORD" : var.app_database_password,
      "DATABASE_URL" : "postgres://pidima_app:${var.app_database_password}@${local.database_address}",
    })
    "openai-api-key"   = var.openai_api_key == null ? null : jsonencode({ "PIDIMA_OPENAI_API_KEY" : var.openai_api_key })
    "redis-url"        = var.cache_password == null ? null : "rediss://${module.cache.user_name}:${var.cache_password}@${module.cache.endpoint}:${local.cache_port}/0"
    "signing-secret"   = var.signing_secret
    "password-peppers" = var.password_peppers
  }
}

module "parameters" {
  source = "./modules/parameters"

  name       = local.name
  key_arn    = module.keys.arns["secrets"]
  parameters = local.parameter_settings
}

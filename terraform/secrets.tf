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
    "app-database" = var.app_database_password == null ? null : jsonencode({
      password = var.app_database_password
      url      = "postgres://pidima_app:${var.app_database_password}@${local.database_address}"
    })
    "redis-url"        = var.cache_password == null ? null : "rediss://${module.cache.user_name}:${var.cache_password}@${module.cache.endpoint}:${local.cache_port}/0"
    "signing-secret"   = var.signing_secret
    "password-peppers" = var.password_peppers
    "openai-api-key"   = var.openai_api_key
  }
}

module "parameters" {
  source = "./modules/parameters"

  name    = local.name
  key_arn = module.keys.arns["secrets"]

  parameters = {
    "model-providers" = {
      description = "Providers of models in the order in which they are asked: bedrock, openai"
      value       = var.openai == null ? "bedrock" : "bedrock,openai"
    }
    "log" = {
      description = "What is logged, such as info,pidima=debug"
      value       = "info,sqlx=warn"
    }
  }
}

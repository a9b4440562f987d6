# What is kept: rows, fast memory, work, objects, and copies far away.

data "aws_caller_identity" "this" {}

module "database" {
  source = "./modules/database"

  name                  = local.name
  engine_version        = var.database.engine_version
  port                  = local.database_port
  storage_type          = var.database.storage_type
  min_acu               = var.database.min_acu
  max_acu               = var.database.max_acu
  readers               = var.database.readers
  backup_retention_days = var.database.backup_retention_days
  deletion_protection   = var.protected
  subnet_ids            = module.network.isolated_subnet_ids
  security_group_id     = module.walls.ids["database"]
  key_arn               = module.keys.arns["database"]
  secrets_key_arn       = module.keys.arns["secrets"]
  logs_key_arn          = module.keys.arns["logs"]
  log_retention_days    = var.log_retention_days
}

module "cache" {
  source = "./modules/cache"

  name               = local.name
  node_type          = var.cache.node_type
  replicas           = var.cache.replicas
  port               = local.cache_port
  password           = var.cache_password
  password_version   = var.secret_versions.cache_password
  subnet_ids         = module.network.isolated_subnet_ids
  security_group_id  = module.walls.ids["cache"]
  key_arn            = module.keys.arns["cache"]
  logs_key_arn       = module.keys.arns["logs"]
  log_retention_days = var.log_retention_days
}

module "queue" {
  source = "./modules/queue"

  name          = local.name
  lease_seconds = local.lease_seconds
  max_receives  = local.max_receives
  key_arn       = module.keys.arns["queue"]
}

module "documents" {
  source = "./modules/bucket"

  name          = "${local.name}-documents-${data.aws_caller_identity.this.account_id}"
  own_key       = true
  key_arn       = module.keys.arns["objects"]
  logged        = true
  logs_bucket   = module.logs.name
  recovery_days = var.document_recovery_days
  put_origins   = var.upload_origins
  force_destroy = !var.protected
}

module "exports" {
  source = "./modules/bucket"

  name            = "${local.name}-exports-${data.aws_caller_identity.this.account_id}"
  own_key         = true
  key_arn         = module.keys.arns["objects"]
  logged          = true
  logs_bucket     = module.logs.name
  recovery_days   = 1
  expiration_days = var.export_days
  force_destroy   = !var.protected
}

module "logs" {
  source = "./modules/bucket"

  name            = "${local.name}-logs-${data.aws_caller_identity.this.account_id}"
  own_key         = false
  logged          = false
  recovery_days   = 30
  expiration_days = var.log_retention_days
  force_destroy   = !var.protected

  log_writers = {
    "logdelivery.elasticloadbalancing.amazonaws.com" = {
      prefix     = "load-balancer"
      source_arn = "arn:aws:elasticloadbalancing:${var.region}:${data.aws_caller_identity.this.account_id}:loadbalancer/*"
    }
    "logging.s3.amazonaws.com" = {
      prefix     = "s3/"
      source_arn = "arn:aws:s3:::${local.name}-*"
    }
  }
}

module "recovery" {
  source = "./modules/recovery"
  count  = var.recovery == null ? 0 : 1

  name            = local.name
  recovery_region = var.recovery.region
  retention_days  = var.recovery.retention_days
  resource_arns   = [module.database.arn, module.documents.arn]
}

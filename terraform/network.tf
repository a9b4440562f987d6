# Where everything stands, and who may talk to whom.

module "network" {
  source = "./modules/network"

  name                        = local.name
  cidr                        = var.cidr
  zones                       = var.zones
  nat_in_each_zone            = var.nat_in_each_zone
  endpoints_in_each_zone      = var.endpoints_in_each_zone
  endpoints_security_group_id = module.walls.ids["endpoints"]
  traces                      = var.tracing
  bucket_arns                 = [module.documents.arn, module.exports.arn]
  logs_key_arn                = module.keys.arns["logs"]
  log_retention_days          = var.log_retention_days
}

module "walls" {
  source = "./modules/walls"

  name              = local.name
  vpc_id            = module.network.vpc_id
  s3_prefix_list_id = module.network.s3_prefix_list_id
  service_port      = local.service_port
  database_port     = local.database_port
  cache_port        = local.cache_port
  # Login providers are outside AWS's private network, Cognito's pages among them.
  internet = true
}

module "keys" {
  source = "./modules/keys"

  name                 = local.name
  deletion_window_days = var.protected ? 30 : 7
}

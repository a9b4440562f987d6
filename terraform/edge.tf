# From the internet to the tasks: firewall, gateway, link, load balancer.

module "certificates" {
  source = "./modules/certificates"

  public_name   = var.public_name
  internal_name = local.internal_name
  zone_id       = var.hosted_zone_id
}

module "firewall" {
  source = "./modules/firewall"

  name                   = local.name
  guarded                = { gateway = module.gateway.stage_arn, login_pages = module.identity.user_pool_arn }
  requests_per_5_minutes = var.limits.requests_per_5_minutes
  logins_per_5_minutes   = var.limits.logins_per_5_minutes
  operator_cidrs         = var.operator_cidrs
  logs_key_arn           = module.keys.arns["logs"]
  log_retention_days     = var.log_retention_days
}

module "gateway" {
  source = "./modules/gateway"

  name               = local.name
  stage_name         = local.stage_name
  public_name        = var.public_name
  zone_id            = var.hosted_zone_id
  certificate_arn    = module.certificates.public_arn
  load_balancer_arn  = module.load_balancer.arn
  host_name          = local.internal_name
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.walls.ids["gateway"]
  user_pool_arn      = module.identity.user_pool_arn
  read_scopes        = module.identity.read_scopes
  write_scopes       = module.identity.write_scopes
  rate_per_second    = var.limits.requests_per_second
  burst              = var.limits.burst
  logs_key_arn       = module.keys.arns["logs"]
  log_retention_days = var.log_retention_days
}

module "load_balancer" {
  source = "./modules/load_balancer"

  name                 = local.name
  vpc_id               = module.network.vpc_id
  subnet_ids           = module.network.private_subnet_ids
  security_group_id    = module.walls.ids["load_balancer"]
  certificate_arn      = module.certificates.internal_arn
  host_name            = local.internal_name
  stage_name           = local.stage_name
  service_port         = local.service_port
  idle_timeout_seconds = 60
  drain_seconds        = 60
  logs_bucket          = module.logs.name
  deletion_protection  = var.protected
}

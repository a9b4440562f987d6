# Security groups. Who may talk to whom is the table `arrows`; each arrow becomes one rule out and one rule in, and both
# name the other group, never an address.

locals {
  groups = {
    gateway       = "Network interfaces of API Gateway's VPC link"
    load_balancer = "The internal load balancer"
    service       = "Tasks that serve HTTP"
    worker        = "Tasks that read documents"
    migrate       = "The one-off task that changes the schema"
    database      = "Aurora"
    cache         = "Valkey"
    endpoints     = "Interface endpoints of AWS services"
  }

  arrows = {
    gateway_to_load_balancer = { from = "gateway", to = "load_balancer", port = 443 }
    load_balancer_to_service = { from = "load_balancer", to = "service", port = var.service_port }
    service_to_database      = { from = "service", to = "database", port = var.database_port }
    worker_to_database       = { from = "worker", to = "database", port = var.database_port }
    migrate_to_database      = { from = "migrate", to = "database", port = var.database_port }
    service_to_cache         = { from = "service", to = "cache", port = var.cache_port }
    worker_to_cache          = { from = "worker", to = "cache", port = var.cache_port }
    service_to_endpoints     = { from = "service", to = "endpoints", port = 443 }
    worker_to_endpoints      = { from = "worker", to = "endpoints", port = 443 }
    migrate_to_endpoints     = { from = "migrate", to = "endpoints", port = 443 }
  }

  # S3 has a gateway endpoint: its addresses are a list that AWS keeps. Layers of images come from there too.
  to_s3 = toset(["service", "worker", "migrate"])
  # Login providers, and model servers outside AWS.
  to_internet = toset(var.internet ? ["service", "worker"] : [])
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:Each is attached in the module of what it guards, by its id
  for_each = local.groups

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = each.value
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-${replace(each.key, "_", "-")}" }
}

resource "aws_vpc_security_group_egress_rule" "arrow" {
  for_each = local.arrows

  description                  = "To ${each.value.to}"
  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "arrow" {
  for_each = local.arrows

  description                  = "From ${each.value.from}"
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = local.to_s3

  description       = "To S3 by its gateway endpoint"
  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = var.s3_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "internet" {
  for_each = local.to_internet

  description       = "To login providers and model servers outside AWS, by TLS"
  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

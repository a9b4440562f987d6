# Three zones, and isolated subnets that have no way out.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                        = "pidima-prod"
  cidr                        = "10.30.0.0/16"
  zones                       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat_in_each_zone            = true
  endpoints_in_each_zone      = true
  traces                      = true
  endpoints_security_group_id = "sg-endpoints"
  bucket_arns                 = ["arn:aws:s3:::documents", "arn:aws:s3:::exports"]
  logs_key_arn                = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  log_retention_days          = 365
}

run "three_zones_with_three_kinds_of_subnets" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3 && length(aws_subnet.isolated) == 3
    error_message = "Each zone needs a public, a private and an isolated subnet."
  }

  assert {
    condition     = length(distinct(concat([for s in aws_subnet.public : s.cidr_block], [for s in aws_subnet.private : s.cidr_block], [for s in aws_subnet.isolated : s.cidr_block]))) == 9
    error_message = "Subnets overlap."
  }

  assert {
    condition     = alltrue([for s in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.isolated)) : !s.map_public_ip_on_launch])
    error_message = "Nothing gets a public address by itself."
  }
}

run "isolated_subnets_have_no_way_out" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition = !contains(
      concat([aws_route.internet.route_table_id], [for route in aws_route.nat : route.route_table_id]),
      aws_route_table.isolated.id,
    )
    error_message = "A route leads out of the isolated subnets."
  }

  assert {
    condition     = alltrue([for association in aws_route_table_association.isolated : association.route_table_id == aws_route_table.isolated.id])
    error_message = "An isolated subnet uses another route table."
  }

  assert {
    condition     = aws_default_security_group.this.vpc_id == aws_vpc.this.id
    error_message = "The default security group must be taken over, and so emptied."
  }
}

run "each_zone_has_a_way_out_of_its_own" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && alltrue([for zone, route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "A zone goes out through another one."
  }
}

run "a_small_network_shares_one_way_out_and_one_set_of_endpoints" {
  command = apply

  module {
    source = "./modules/network"
  }

  variables {
    nat_in_each_zone       = false
    endpoints_in_each_zone = false
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route.nat) == 3
    error_message = "All zones must share the way out of the first one."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : length(endpoint.subnet_ids) == 1])
    error_message = "Endpoints must stand in the first zone alone."
  }
}

run "calls_to_aws_stay_inside" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["bedrock-runtime", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs", "ssm", "xray"])
    error_message = "Calls to a service would leave the network, or an endpoint is paid for that nobody uses."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && endpoint.security_group_ids == toset(["sg-endpoints"])])
    error_message = "Endpoints need names inside the network and the security group of endpoints."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : jsondecode(endpoint.policy).Statement[0].Condition.StringEquals["aws:PrincipalAccount"] == "123456789012"])
    error_message = "Through an endpoint only principals of this account may call."
  }
}

run "without_traces_x_ray_has_no_endpoint" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    traces = false
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["bedrock-runtime", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs", "ssm"])
    error_message = "An endpoint is paid for that nobody uses."
  }
}

run "the_door_to_s3_leads_to_our_buckets_alone" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_vpc_endpoint.s3.policy).Statement : statement.Resource])) == toset([
      "arn:aws:s3:::documents", "arn:aws:s3:::exports", "arn:aws:s3:::documents/*", "arn:aws:s3:::exports/*",
      "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*",
    ])
    error_message = "Another bucket could be reached: ${aws_vpc_endpoint.s3.policy}"
  }
}

run "connections_are_logged_under_a_key" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 365
    error_message = "Flow logs must hold all connections, under the key of logs, for the time that was asked for."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow.policy).Statement[0].Resource == ["${aws_cloudwatch_log_group.flow.arn}:*"]
    error_message = "The role of flow logs must write to its own log group alone."
  }
}

run "public_addresses_are_refused_as_a_network" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "8.8.0.0/16"
  }

  expect_failures = [var.cidr]
}

run "two_zones_are_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1b"]
  }

  expect_failures = [var.zones]
}

# Who may talk to whom.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "pidima-prod"
  vpc_id            = "vpc-1"
  s3_prefix_list_id = "pl-s3"
  service_port      = 8080
  database_port     = 5432
  cache_port        = 6379
  internet          = true
}

run "every_arrow_is_one_rule_out_and_one_rule_in_by_group" {
  command = apply

  module {
    source = "./modules/walls"
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.arrow) == keys(aws_vpc_security_group_egress_rule.arrow)
    error_message = "A rule has no counterpart."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.arrow : rule.referenced_security_group_id != null && rule.cidr_ipv4 == null && rule.cidr_ipv6 == null])
    error_message = "A way in is open to addresses instead of a group."
  }

  assert {
    condition = alltrue([
      for name, arrow in local.arrows :
      aws_vpc_security_group_ingress_rule.arrow[name].security_group_id == aws_security_group.this[arrow.to].id
      && aws_vpc_security_group_ingress_rule.arrow[name].referenced_security_group_id == aws_security_group.this[arrow.from].id
      && aws_vpc_security_group_egress_rule.arrow[name].security_group_id == aws_security_group.this[arrow.from].id
      && aws_vpc_security_group_egress_rule.arrow[name].referenced_security_group_id == aws_security_group.this[arrow.to].id
    ])
    error_message = "A rule does not follow its arrow."
  }
}

run "only_our_tasks_reach_the_data_stores" {
  command = apply

  module {
    source = "./modules/walls"
  }

  assert {
    condition     = toset([for arrow in local.arrows : arrow.from if arrow.to == "database"]) == toset(["service", "worker", "migrate"])
    error_message = "Aurora is open to somebody else, or shut to a task."
  }

  assert {
    condition     = toset([for arrow in local.arrows : arrow.from if arrow.to == "cache"]) == toset(["service", "worker"])
    error_message = "Valkey is open to somebody else, or shut to a task."
  }

  assert {
    condition     = length([for arrow in local.arrows : arrow if contains(["database", "cache"], arrow.from)]) == 0
    error_message = "A data store begins no connection."
  }
}

run "the_service_is_reached_by_the_load_balancer_and_that_by_the_gateway" {
  command = apply

  module {
    source = "./modules/walls"
  }

  assert {
    condition     = [for arrow in local.arrows : arrow.from if arrow.to == "service"] == ["load_balancer"] && [for arrow in local.arrows : arrow.from if arrow.to == "load_balancer"] == ["gateway"]
    error_message = "There is a way around the gateway."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.arrow["load_balancer_to_service"].from_port == 8080 && aws_vpc_security_group_ingress_rule.arrow["gateway_to_load_balancer"].from_port == 443
    error_message = "The ports differ."
  }

  assert {
    condition     = length([for arrow in local.arrows : arrow if contains(["worker", "migrate"], arrow.to)]) == 0
    error_message = "Nobody calls the worker or the migrate task."
  }
}

run "the_way_out_is_tls_and_can_be_shut" {
  command = apply

  module {
    source = "./modules/walls"
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.internet)) == toset(["service", "worker"]) && alltrue([for rule in aws_vpc_security_group_egress_rule.internet : rule.from_port == 443 && rule.to_port == 443])
    error_message = "Only service and worker go out, by TLS."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.s3 : rule.prefix_list_id == "pl-s3" && rule.cidr_ipv4 == null])
    error_message = "S3 is reached by its list of addresses."
  }
}

run "without_internet_no_rule_leads_to_addresses" {
  command = apply

  module {
    source = "./modules/walls"
  }

  variables {
    internet = false
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.internet) == 0
    error_message = "A way out is left open."
  }
}

# Traces of the gateway: each first one of a second, and a share of the rest. Questions are worth more than the rest.

locals {
  samplings = {
    questions = { priority = 100, path = "/v1/*", method = "POST", reservoir = 5, rate = var.sampled_questions }
    rest      = { priority = 900, path = "*", method = "*", reservoir = 1, rate = var.sampled_rest }
  }
}

resource "aws_xray_sampling_rule" "this" {
  for_each = local.samplings

  rule_name      = "${var.name}-${each.key}"
  priority       = each.value.priority
  version        = 1
  reservoir_size = each.value.reservoir
  fixed_rate     = each.value.rate
  url_path       = each.value.path
  http_method    = each.value.method
  host           = "*"
  service_name   = "${var.name}*"
  service_type   = "*"
  resource_arn   = "*"
}

# Faults and slow requests of this environment, together.
resource "aws_xray_group" "this" {
  group_name        = var.name
  filter_expression = "service(\"${var.api_name}/${var.stage_name}\") AND (fault = true OR responsetime > 5)"

  insights_configuration {
    insights_enabled      = true
    notifications_enabled = false
  }
}

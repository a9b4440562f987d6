# Paths and addresses that rules name.

resource "aws_wafv2_regex_pattern_set" "login" {
  name        = "${var.name}-login"
  description = "Paths on which passwords are tried"
  scope       = "REGIONAL"

  dynamic "regular_expression" {
    for_each = local.login_paths

    content {
      regex_string = "^(/oauth)?${regular_expression.value}$"
    }
  }
}

resource "aws_wafv2_regex_pattern_set" "operator" {
  name        = "${var.name}-operator"
  description = "Paths of the operator"
  scope       = "REGIONAL"

  regular_expression {
    regex_string = "^(/oauth)?/v1/platform(/|$)"
  }
}

resource "aws_wafv2_ip_set" "operator" {
  name               = "${var.name}-operator"
  description        = "Addresses of the operator"
  scope              = "REGIONAL"
  ip_address_version = "IPV4"
  addresses          = var.operator_cidrs
}

resource "aws_wafv2_web_acl_association" "this" {
  for_each = var.guarded

  resource_arn = each.value
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

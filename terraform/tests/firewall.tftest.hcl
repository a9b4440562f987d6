# The firewall before gateway and login pages.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "pidima-prod"
  guarded                = { gateway = "arn:aws:apigateway:eu-central-1::/restapis/r/stages/live", login_pages = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/p" }
  requests_per_5_minutes = 40000
  logins_per_5_minutes   = 300
  operator_cidrs         = ["203.0.113.10/32"]
  logs_key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  log_retention_days     = 365
}

run "the_cheap_rule_comes_first" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  assert {
    condition     = [for rule in aws_wafv2_web_acl.this.rule : rule.name if rule.priority == min([for r in aws_wafv2_web_acl.this.rule : r.priority]...)] == ["rate"]
    error_message = "Something is inspected before who asks too often is refused."
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this.rule : rule if rule.name == "rate"]).statement[0].rate_based_statement[0].limit == 40000 && one([for rule in aws_wafv2_web_acl.this.rule : rule if rule.name == "rate"]).action[0].block[0].custom_response[0].response_code == 429
    error_message = "The rate rule must answer 429 above its limit."
  }
}

run "rules_that_read_bodies_only_count" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  assert {
    condition = alltrue(flatten([
      for rule in aws_wafv2_web_acl.this.rule : [
        for group in rule.statement[0].managed_rule_group_statement : [
          for override in group.rule_action_override : length(override.action_to_use[0].count) == 1
        ]
      ]
    ]))
    error_message = "An override does something else than counting."
  }

  assert {
    condition = length(setsubtract(
      ["CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "SizeRestrictions_BODY", "EC2MetaDataSSRF_BODY", "SQLi_BODY", "SQLiExtendedPatterns_BODY", "Log4JRCE_BODY", "JavaDeserializationRCE_BODY"],
      flatten([for rule in aws_wafv2_web_acl.this.rule : [for group in rule.statement[0].managed_rule_group_statement : [for override in group.rule_action_override : override.name]]]),
    )) == 0
    error_message = "A document that shows an attack would be refused."
  }
}

run "groups_that_aws_keeps_refuse_everything_else" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  assert {
    condition = toset(flatten([for rule in aws_wafv2_web_acl.this.rule : [for group in rule.statement[0].managed_rule_group_statement : group.name]])) == toset([
      "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet",
    ])
    error_message = "A group is missing."
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.override_action[0].none) == 1 if length(rule.statement[0].managed_rule_group_statement) > 0])
    error_message = "A whole group only counts."
  }
}

run "the_operators_paths_answer_the_operator_alone" {
  module {
    source = "./modules/firewall"
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this.rule : rule if rule.name == "operator"]).statement[0].and_statement[0].statement[1].not_statement[0].statement[0].ip_set_reference_statement[0].arn == aws_wafv2_ip_set.operator.arn
    error_message = "The operator's part is open."
  }

  assert {
    condition     = can(regex(one(aws_wafv2_regex_pattern_set.operator.regular_expression).regex_string, "/v1/platform/tenants")) && can(regex(one(aws_wafv2_regex_pattern_set.operator.regular_expression).regex_string, "/oauth/v1/platform")) && !can(regex(one(aws_wafv2_regex_pattern_set.operator.regular_expression).regex_string, "/v1/platforms"))
    error_message = "The paths of the operator are not those."
  }
}

run "gateway_and_login_pages_stand_behind_it" {
  module {
    source = "./modules/firewall"
  }

  assert {
    condition     = tomap({ for name, association in aws_wafv2_web_acl_association.this : name => association.resource_arn }) == var.guarded && alltrue([for association in aws_wafv2_web_acl_association.this : association.web_acl_arn == aws_wafv2_web_acl.this.arn])
    error_message = "Something is not guarded."
  }
}

run "its_log_hides_credentials_and_queries" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  assert {
    condition     = toset(flatten([for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : [for header in field.single_header : header.name]])) == toset(["authorization", "cookie"]) && anytrue([for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : length(field.query_string) == 1])
    error_message = "A credential would be in the log."
  }

  assert {
    condition     = startswith(aws_cloudwatch_log_group.this.name, "aws-waf-logs-") && aws_cloudwatch_log_group.this.kms_key_id == var.logs_key_arn
    error_message = "The log group must have the name that the firewall wants, under the key of logs."
  }
}

run "the_whole_internet_is_no_operator" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  variables {
    operator_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.operator_cidrs]
}

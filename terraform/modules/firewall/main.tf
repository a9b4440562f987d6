# The firewall before the gateway and before the login pages of Cognito. The cheap rule comes first: who asks too often is
# refused before anything is inspected. Rules that read bodies only count, since documentation and questions hold
# examples of attacks; the service limits bodies and reads them as data.

locals {
  # Groups that AWS keeps, in this order, each with the rules of it that only count.
  managed = {
    AWSManagedRulesAmazonIpReputationList = { priority = 30, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet = {
      priority = 31
      counted  = ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY"]
    }
    AWSManagedRulesCommonRuleSet = {
      priority = 32
      # Programs need not name themselves.
      counted = ["NoUserAgent_HEADER", "SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY"]
    }
    AWSManagedRulesSQLiRuleSet = {
      priority = 33
      counted  = ["SQLi_BODY", "SQLiExtendedPatterns_BODY"]
    }
  }

  login_paths = ["/v1/login", "/login/local", "/v1/invitations/accept"]
}

resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:The group for Log4j is there; its one rule that reads bodies only counts, since documentation quotes such attacks
  name        = var.name
  description = "Before API Gateway and the login pages"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  # Of a body 64 KB are looked at, the most that there is.
  association_config {
    request_body {
      api_gateway {
        default_size_inspection_limit = "KB_64"
      }
      cognito_user_pool {
        default_size_inspection_limit = "KB_64"
      }
    }
  }

  custom_response_body {
    key          = "too-many"
    content_type = "APPLICATION_JSON"
    content = jsonencode({
      type   = "/problems#rate_limited"
      title  = "Too Many Requests"
      status = 429
      code   = "rate_limited"
      detail = "Too many requests from this address: come again in some minutes."
    })
  }

  rule {
    name     = "rate"
    priority = 10

    action {
      block {
        custom_response {
          response_code            = 429
          custom_response_body_key = "too-many"
          response_header {
            name  = "Retry-After"
            value = "300"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.requests_per_5_minutes
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "logins"
    priority = 11

    action {
      block {
        custom_response {
          response_code            = 429
          custom_response_body_key = "too-many"
          response_header {
            name  = "Retry-After"
            value = "300"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.logins_per_5_minutes
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"

        scope_down_statement {
          regex_pattern_set_reference_statement {
            arn = aws_wafv2_regex_pattern_set.login.arn
            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "URL_DECODE"
            }
            text_transformation {
              priority = 1
              type     = "NORMALIZE_PATH"
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "logins"
      sampled_requests_enabled   = true
    }
  }

  # The operator's part of the API answers to the operator's addresses alone; without any it is shut from outside.
  rule {
    name     = "operator"
    priority = 20

    action {
      block {}
    }

    statement {
      and_statement {
        statement {
          regex_pattern_set_reference_statement {
            arn = aws_wafv2_regex_pattern_set.operator.arn
            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "URL_DECODE"
            }
            text_transformation {
              priority = 1
              type     = "NORMALIZE_PATH"
            }
            text_transformation {
              priority = 2
              type     = "LOWERCASE"
            }
          }
        }
        statement {
          not_statement {
            statement {
              ip_set_reference_statement {
                arn = aws_wafv2_ip_set.operator.arn
              }
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "operator"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.counted

            content {
              name = rule_action_override.value
              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

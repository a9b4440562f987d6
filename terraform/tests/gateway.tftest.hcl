# API Gateway: streams, two trees of credentials, and refusals in the form of the service.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "pidima-prod"
  stage_name         = "live"
  public_name        = "docs.example.com"
  zone_id            = "Z0123456789"
  certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/c"
  load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/pidima-prod/1"
  host_name          = "internal.docs.example.com"
  subnet_ids         = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id  = "sg-1"
  user_pool_arn      = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/p"
  read_scopes        = ["https://docs.example.com/ask", "https://docs.example.com/documents_read"]
  write_scopes       = ["https://docs.example.com/ask"]
  rate_per_second    = 1000
  burst              = 2000
  logs_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  log_retention_days = 365
}

run "every_route_streams" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = length(aws_api_gateway_integration.this) == 6 && alltrue([for integration in aws_api_gateway_integration.this : integration.response_transfer_mode == "STREAM" && integration.type == "HTTP_PROXY" && integration.timeout_milliseconds == 900000])
    error_message = "A route keeps its response until it is whole."
  }
}

run "every_route_goes_through_the_link_to_the_load_balancer_by_tls" {
  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.this : integration.connection_type == "VPC_LINK" && integration.connection_id == aws_apigatewayv2_vpc_link.this.id && integration.integration_target == var.load_balancer_arn])
    error_message = "A route goes another way than the link."
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.this : startswith(integration.uri, "https://internal.docs.example.com/")])
    error_message = "A route is not TLS to the name in the certificate."
  }

  assert {
    condition     = aws_apigatewayv2_vpc_link.this.security_group_ids == toset(["sg-1"]) && length(aws_apigatewayv2_vpc_link.this.subnet_ids) == 3
    error_message = "The link stands in three zones, in its own group."
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.this : integration.request_parameters["integration.request.header.X-Apigw-Req-Id"] == "context.requestId"])
    error_message = "The id of the request is lost on the way."
  }
}

run "a_request_has_one_trace_from_the_gateway_on" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.this : integration.request_parameters["integration.request.header.traceparent"] == "'none'"]) && aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "A request would be told in a trace of the client's, without the gateway."
  }
}

run "keys_are_checked_by_the_service_and_tokens_by_both" {
  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = alltrue([for route in ["entrance", "pages", "keys"] : aws_api_gateway_method.this[route].authorization == "NONE"])
    error_message = "An authorizer would refuse API keys, which are no tokens."
  }

  assert {
    condition     = alltrue([for route in ["token_reads", "token_writes"] : aws_api_gateway_method.this[route].authorization == "COGNITO_USER_POOLS" && aws_api_gateway_method.this[route].authorizer_id == aws_api_gateway_authorizer.cognito.id])
    error_message = "The tree of tokens must be behind the authorizer."
  }

  assert {
    condition     = aws_api_gateway_method.this["token_reads"].authorization_scopes == toset(var.read_scopes) && aws_api_gateway_method.this["token_writes"].authorization_scopes == toset(var.write_scopes)
    error_message = "Without scopes ID tokens would be let in."
  }

  assert {
    condition     = aws_api_gateway_method.this["token_preflight"].authorization == "NONE" && aws_api_gateway_method.this["token_preflight"].http_method == "OPTIONS"
    error_message = "A browser asks for permission without a token."
  }

  assert {
    condition     = aws_api_gateway_integration.this["token_writes"].uri == aws_api_gateway_integration.this["keys"].uri
    error_message = "Both trees must lead to the same place."
  }
}

run "the_only_name_is_the_public_one" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.disable_execute_api_endpoint && one(aws_api_gateway_rest_api.this.endpoint_configuration).types == tolist(["REGIONAL"])
    error_message = "The service can be reached around its name."
  }

  assert {
    condition     = aws_api_gateway_domain_name.this.security_policy == "TLS_1_2" && toset([for record in aws_route53_record.public : record.type]) == toset(["A", "AAAA"])
    error_message = "The name must speak TLS 1.2 or better, on both kinds of addresses."
  }

  assert {
    condition     = aws_api_gateway_base_path_mapping.this.base_path == null || aws_api_gateway_base_path_mapping.this.base_path == ""
    error_message = "The name of the stage would be in addresses."
  }
}

run "files_pass_undamaged" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = contains(aws_api_gateway_rest_api.this.binary_media_types, "*/*")
    error_message = "Bodies would be read as text."
  }
}

run "too_many_requests_are_refused_and_all_are_measured" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 1000 && aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 2000 && aws_api_gateway_method_settings.all.settings[0].metrics_enabled
    error_message = "The stage must be throttled and measured."
  }

  assert {
    condition     = aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "A trace must begin at the gateway."
  }
}

run "logs_hold_no_body_query_or_credential" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = aws_api_gateway_method_settings.all.settings[0].data_trace_enabled == false && aws_api_gateway_method_settings.all.settings[0].logging_level == "ERROR"
    error_message = "Bodies would be logged."
  }

  assert {
    condition     = !can(regex("querystring|header|body|identity.user\\b|authorizer.claims.(sub|email)|context.path", aws_api_gateway_stage.this.access_log_settings[0].format)) && jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format).requestId == "$context.requestId"
    error_message = "The access log must hold the id of the request and nothing of its content."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.access.retention_in_days == 365
    error_message = "The access log must be under the key of logs, and end."
  }
}

run "refusals_of_the_gateway_look_like_those_of_the_service" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = alltrue([for response in aws_api_gateway_gateway_response.this : response.response_parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"])
    error_message = "A refusal is no problem+json."
  }

  assert {
    condition     = alltrue([for response in aws_api_gateway_gateway_response.this : jsondecode(response.response_templates["application/json"]).request_id == "$context.requestId"])
    error_message = "A refusal does not tell its id."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_gateway_response.this["THROTTLED"].response_templates["application/json"]).code == "rate_limited" && aws_api_gateway_gateway_response.this["THROTTLED"].response_parameters["gatewayresponse.header.Retry-After"] == "'1'"
    error_message = "Whoever asks too often must be told when to come again."
  }

  assert {
    condition     = length(setsubtract(["UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "REQUEST_TOO_LARGE", "WAF_FILTERED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_4XX", "DEFAULT_5XX"], keys(aws_api_gateway_gateway_response.this))) == 0
    error_message = "A refusal keeps the form of AWS."
  }
}

run "tokens_without_scopes_are_refused_as_a_setting" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  variables {
    read_scopes = []
  }

  expect_failures = [var.read_scopes]
}

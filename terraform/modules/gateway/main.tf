# API Gateway (REST, regional): the only way in from the internet.

resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = "Pidima behind an internal load balancer; responses are streamed"
  # Bodies pass as they are: as text, an uploaded file would be damaged.
  binary_media_types = ["*/*"]
  # The name of AWS is shut, so that nobody goes around the name and the certificate of the service.
  disable_execute_api_endpoint = true

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_vpc_link" "this" {
  name               = var.name
  subnet_ids         = var.subnet_ids
  security_group_ids = [var.security_group_id]
}

resource "aws_api_gateway_authorizer" "cognito" {
  name            = "cognito"
  rest_api_id     = aws_api_gateway_rest_api.this.id
  type            = "COGNITO_USER_POOLS"
  provider_arns   = [var.user_pool_arn]
  identity_source = "method.request.header.Authorization"
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  triggers = {
    routes = sha256(jsonencode([
      local.routes,
      aws_api_gateway_rest_api.this.binary_media_types,
      [for resource in concat(values(aws_api_gateway_resource.tree), values(aws_api_gateway_resource.below)) : resource.id],
      [for method in values(aws_api_gateway_method.this) : [method.http_method, method.authorization, method.authorization_scopes]],
      [for integration in values(aws_api_gateway_integration.this) : [integration.uri, integration.request_parameters, integration.response_transfer_mode, integration.timeout_milliseconds]],
      [for response in values(aws_api_gateway_gateway_response.this) : [response.response_type, response.response_templates]],
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV_AWS_120:Answers are streamed and belong to one caller: a cache would be wrong and excludes streaming
  #checkov:skip=CKV2_AWS_51:The load balancer is private and takes connections of the link alone, by security group
  #checkov:skip=CKV2_AWS_29:The firewall is joined in modules/firewall, which is given the ARN of this stage
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage_name
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log)
  }

  # CloudWatch takes no log of a gateway before the account has a role for that.
  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "all" {
  #checkov:skip=CKV_AWS_225:Answers are streamed and belong to one caller: a cache would be wrong and excludes streaming
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled = true
    # Errors only, and never bodies: those hold what tenants ask.
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = var.rate_per_second
    throttling_burst_limit = var.burst
    caching_enabled        = false
  }
}

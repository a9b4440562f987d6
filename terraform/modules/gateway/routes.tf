# The tree of paths. API keys and tokens come in the same header, and an authorizer of Cognito refuses what is no token:
# so tokens that the gateway is to check have a tree of their own, `/oauth/v1`, which reaches the same service as `/v1`.
# The service checks every credential itself, whichever way it came.

locals {
  proxied = "method.request.path.proxy"

  routes = {
    entrance = { path = "", method = "ANY", uri = "/", proxied = false, scopes = [] }
    pages    = { path = "{proxy+}", method = "ANY", uri = "/{proxy}", proxied = true, scopes = [] }
    keys     = { path = "v1/{proxy+}", method = "ANY", uri = "/v1/{proxy}", proxied = true, scopes = [] }
    # A browser asks for permission without a token.
    token_preflight = { path = "oauth/v1/{proxy+}", method = "OPTIONS", uri = "/v1/{proxy}", proxied = true, scopes = [] }
    token_reads     = { path = "oauth/v1/{proxy+}", method = "GET", uri = "/v1/{proxy}", proxied = true, scopes = var.read_scopes }
    token_writes    = { path = "oauth/v1/{proxy+}", method = "ANY", uri = "/v1/{proxy}", proxied = true, scopes = var.write_scopes }
  }

  resource_ids = merge(
    { "" = aws_api_gateway_rest_api.this.root_resource_id },
    { for path, resource in aws_api_gateway_resource.below : path => resource.id },
    { "{proxy+}" = aws_api_gateway_resource.tree["{proxy+}"].id },
  )
}

resource "aws_api_gateway_resource" "tree" {
  for_each = toset(["{proxy+}", "v1", "oauth"])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.key
}

resource "aws_api_gateway_resource" "token_version" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.tree["oauth"].id
  path_part   = "v1"
}

resource "aws_api_gateway_resource" "below" {
  for_each = {
    "v1/{proxy+}"       = aws_api_gateway_resource.tree["v1"].id
    "oauth/v1/{proxy+}" = aws_api_gateway_resource.token_version.id
  }

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = each.value
  path_part   = "{proxy+}"
}

resource "aws_api_gateway_method" "this" {
  #checkov:skip=CKV2_AWS_53:The service validates every request against its own document; paths are proxied whole
  for_each = local.routes

  rest_api_id          = aws_api_gateway_rest_api.this.id
  resource_id          = local.resource_ids[each.value.path]
  http_method          = each.value.method
  authorization        = length(each.value.scopes) > 0 ? "COGNITO_USER_POOLS" : "NONE"
  authorizer_id        = length(each.value.scopes) > 0 ? aws_api_gateway_authorizer.cognito.id : null
  authorization_scopes = length(each.value.scopes) > 0 ? each.value.scopes : null
  request_parameters   = each.value.proxied ? { (local.proxied) = true } : {}
}

resource "aws_api_gateway_integration" "this" {
  for_each = local.routes

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = local.resource_ids[each.value.path]
  http_method             = aws_api_gateway_method.this[each.key].http_method
  type                    = "HTTP_PROXY"
  integration_http_method = "ANY"
  connection_type         = "VPC_LINK"
  connection_id           = aws_apigatewayv2_vpc_link.this.id
  integration_target      = var.load_balancer_arn
  # The name is checked against the certificate of the load balancer; where the request goes is said by the target.
  uri = "https://${var.host_name}${each.value.uri}"
  # Answers reach the client as they are written; a stream may last 15 minutes and be silent for 5.
  response_transfer_mode = "STREAM"
  timeout_milliseconds   = 900000

  request_parameters = merge(
    {
      "integration.request.header.X-Apigw-Req-Id" = "context.requestId"
      # A context of the client's would win over that of the gateway, and its request be told in a trace without the gateway. What
      # is no context is as if it were absent: the service goes on with X-Amzn-Trace-Id, as the sampling of X-Ray decided.
      "integration.request.header.traceparent" = "'none'"
    },
    each.value.proxied ? { "integration.request.path.proxy" = local.proxied } : {},
  )
}

locals {
  # No query, no header and no body: those may hold what tenants ask. `requestId` is in each line of the service's log.
  access_log = {
    requestId          = "$context.requestId"
    extendedRequestId  = "$context.extendedRequestId"
    traceId            = "$context.xrayTraceId"
    time               = "$context.requestTimeEpoch"
    ip                 = "$context.identity.sourceIp"
    method             = "$context.httpMethod"
    resource           = "$context.resourcePath"
    status             = "$context.status"
    integrationStatus  = "$context.integration.status"
    responseBytes      = "$context.responseLength"
    latency            = "$context.responseLatency"
    integrationLatency = "$context.integrationLatency"
    client             = "$context.authorizer.claims.client_id"
    wafStatus          = "$context.waf.status"
    error              = "$context.error.responseType"
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/${var.name}/gateway"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

# One for the whole account and region; see the README where another installation has set it already.
resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.logs.arn

  depends_on = [aws_iam_role_policy_attachment.logs]
}

data "aws_caller_identity" "this" {}

resource "aws_iam_role" "logs" {
  name = "${var.name}-gateway-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

# The policy that AWS keeps for this: API Gateway checks for these very rights when the role is set.
resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.logs.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

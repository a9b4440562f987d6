# What the gateway refuses by itself looks like what the service refuses: RFC 9457, with the codes of the service.

locals {
  problems = {
    UNAUTHORIZED                 = { status = 401, code = "unauthenticated", title = "Unauthorized", detail = "Send an access token with one of the scopes of this operation." }
    ACCESS_DENIED                = { status = 403, code = "forbidden", title = "Forbidden", detail = "The token has none of the scopes of this operation." }
    EXPIRED_TOKEN                = { status = 401, code = "unauthenticated", title = "Unauthorized", detail = "The token is over: get a new one." }
    INVALID_API_KEY              = { status = 401, code = "unauthenticated", title = "Unauthorized", detail = "The credential is not good." }
    MISSING_AUTHENTICATION_TOKEN = { status = 404, code = "not_found", title = "Not Found", detail = "There is nothing under this path." }
    RESOURCE_NOT_FOUND           = { status = 404, code = "not_found", title = "Not Found", detail = "There is nothing under this path." }
    REQUEST_TOO_LARGE            = { status = 413, code = "payload_too_large", title = "Payload Too Large", detail = "The body is larger than 10 MB." }
    THROTTLED                    = { status = 429, code = "rate_limited", title = "Too Many Requests", detail = "Too many requests: come again after Retry-After." }
    WAF_FILTERED                 = { status = 403, code = "forbidden", title = "Forbidden", detail = "The request was refused by the firewall." }
    INTEGRATION_FAILURE          = { status = 503, code = "unavailable", title = "Service Unavailable", detail = "The service can not be reached: try again." }
    INTEGRATION_TIMEOUT          = { status = 503, code = "unavailable", title = "Service Unavailable", detail = "The service did not answer in time: try again." }
    DEFAULT_4XX                  = { status = null, code = "malformed_request", title = "Bad Request", detail = "The request can not be read." }
    DEFAULT_5XX                  = { status = null, code = "internal", title = "Internal Server Error", detail = "A fault of ours: the request id finds it in the log." }
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local.problems

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = each.value.status == null ? null : tostring(each.value.status)

  response_templates = {
    # The defaults have no status of their own: theirs is the one that the gateway chose.
    "application/json" = jsonencode(merge(
      {
        type       = "/problems#${each.value.code}"
        title      = each.value.title
        code       = each.value.code
        detail     = each.value.detail
        request_id = "$context.requestId"
      },
      each.value.status == null ? {} : { status = each.value.status },
    ))
  }

  response_parameters = merge(
    {
      "gatewayresponse.header.Content-Type"  = "'application/problem+json'"
      "gatewayresponse.header.Cache-Control" = "'no-store'"
      "gatewayresponse.header.X-Request-Id"  = "context.requestId"
    },
    each.key == "THROTTLED" ? { "gatewayresponse.header.Retry-After" = "'1'" } : {},
  )
}

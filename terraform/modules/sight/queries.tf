# Questions that an operator asks of the logs, ready to run.

locals {
  queries = {
    # By the id of the response's header x-request-id, or that of a run, a document or a message.
    "one id" = {
      groups = [var.service_log_group, var.worker_log_group]
      text   = "filter @message like '…' | sort @timestamp"
    }
    "one refusal of the gateway" = {
      groups = [var.gateway_log_group]
      text   = "filter requestId = '…'"
    }
    "errors by operation" = {
      groups = [var.service_log_group]
      text   = "filter status >= 500 | stats count(*) as failed by operation, bin(5m) | sort failed desc"
    }
    "slow requests" = {
      groups = [var.service_log_group]
      text   = "filter ispresent(operation) | stats count(*) as n, pct(duration_ms, 95) as p95, max(duration_ms) as worst by operation | sort p95 desc"
    }
    "questions without an answer" = {
      groups = [var.service_log_group]
      text   = "filter message = 'run failed' | stats count(*) as n by error | sort n desc"
    }
    "documents that failed" = {
      groups = [var.worker_log_group]
      text   = "filter message = 'ingestion attempt failed' | stats count(*) as n by code | sort n desc"
    }
    "what collectors could not send" = {
      groups = [var.service_log_group, var.worker_log_group]
      text   = "filter @logStream like 'collector/' and @message like 'error' | sort @timestamp desc"
    }
    "refused by the firewall" = {
      groups = [var.firewall_log_group]
      text   = "filter action = 'BLOCK' | stats count(*) as n by terminatingRuleId, httpRequest.clientIp | sort n desc | limit 50"
    }
    "refused connections" = {
      groups = [var.network_log_group]
      text   = "filter action = 'REJECT' | stats count(*) as n by srcAddr, dstAddr, dstPort | sort n desc | limit 50"
    }
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  log_group_names = each.value.groups
  query_string    = each.value.text
}

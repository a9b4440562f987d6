# Questions that an operator asks of the logs, ready to run.

locals {
  queries = {
    "one request" = {
      groups = [var.gateway_log_group, var.service_log_group, var.worker_log_group]
      text   = "filter requestId = '…' or request_id = '…' or trace_id = '…' | sort @timestamp"
    }
    "errors by operation" = {
      groups = [var.service_log_group]
      text   = "filter status >= 500 | stats count(*) as failed by operation, bin(5m) | sort failed desc"
    }
    "slow requests" = {
      groups = [var.service_log_group]
      text   = "filter ispresent(operation) | stats count(*) as n, pct(latency_ms, 95) as p95, max(latency_ms) as worst by operation | sort p95 desc"
    }
    "tenants by requests" = {
      groups = [var.service_log_group]
      text   = "filter ispresent(tenant_id) | stats count(*) as n by tenant_id | sort n desc | limit 20"
    }
    "documents that failed" = {
      groups = [var.worker_log_group]
      text   = "filter msg like /ingestion attempt failed/ | stats count(*) as n by code | sort n desc"
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

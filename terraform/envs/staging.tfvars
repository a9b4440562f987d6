# Staging: built as production is, with less of everything.

environment = "staging"
account_id  = "123456789012"
region      = "eu-central-1"
zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
cidr        = "10.20.0.0/16"

public_name    = "docs.staging.example.com"
hosted_zone_id = "Z0123456789ABCDEFGHIJ"
owner          = "platform@example.com"
cost_center    = "documentation"

protected              = true
nat_in_each_zone       = false
endpoints_in_each_zone = false
recovery               = { region = "eu-west-1", retention_days = 7 }
operator_cidrs         = ["203.0.113.10/32"]
log_retention_days     = 90

image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

service = { cpu = 512, memory = 1024, min_tasks = 2, max_tasks = 4 }
worker  = { cpu = 1024, memory = 4096, min_tasks = 1, max_tasks = 3 }

database = {
  engine_version        = "17.7"
  min_acu               = 0.5
  max_acu               = 4
  readers               = 1
  backup_retention_days = 7
}

cache  = { node_type = "cache.t4g.micro", replicas = 1 }
limits = { requests_per_second = 200, burst = 400 }

chat_model = {
  model   = "anthropic.claude-sonnet-4-5-20250929-v1:0"
  profile = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
  regions = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"]
}

login = {
  domain_prefix          = "pidima-staging-example"
  second_factor_required = true
  machine_clients        = { smoke = ["ask", "documents_read"] }
}

tracing            = true
sampling           = { questions = 0.2, rest = 0.05 }
urgent_subscribers = ["platform@example.com"]
monthly_budget_usd = 700

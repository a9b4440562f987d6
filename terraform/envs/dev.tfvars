# Development: one of everything, and a database that sleeps when no task runs.

environment = "dev"
account_id  = "123456789012"
region      = "eu-central-1"
zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
cidr        = "10.10.0.0/16"

public_name    = "docs.dev.example.com"
hosted_zone_id = "Z0123456789ABCDEFGHIJ"
owner          = "platform@example.com"
cost_center    = "documentation"

protected              = false
nat_in_each_zone       = false
endpoints_in_each_zone = false
operator_cidrs         = ["203.0.113.10/32"]
log_retention_days     = 14

image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

service = { cpu = 256, memory = 1024, min_tasks = 1, max_tasks = 2 }
worker  = { cpu = 512, memory = 2048, min_tasks = 1, max_tasks = 2 }

database = {
  engine_version        = "17.7"
  min_acu               = 0
  max_acu               = 2
  readers               = 0
  backup_retention_days = 1
}

cache  = { node_type = "cache.t4g.micro", replicas = 0 }
limits = { requests_per_second = 50, burst = 100 }

chat_model = {
  model   = "anthropic.claude-haiku-4-5-20251001-v1:0"
  profile = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
  regions = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"]
}

login = {
  domain_prefix          = "pidima-dev-example"
  second_factor_required = false
  machine_clients        = { try = ["ask"] }
  groups                 = ["pidima:demo:owner"]
}

tracing            = true
sampling           = { questions = 1, rest = 1 }
urgent_subscribers = []
monthly_budget_usd = 350

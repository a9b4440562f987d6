# Production: nothing is alone, nothing can be deleted by mistake, logs are kept for a year.

environment = "prod"
account_id  = "123456789012"
region      = "eu-central-1"
zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
cidr        = "10.30.0.0/16"

public_name    = "docs.example.com"
hosted_zone_id = "Z0123456789ABCDEFGHIJ"
owner          = "platform@example.com"
cost_center    = "documentation"

protected              = true
nat_in_each_zone       = true
endpoints_in_each_zone = true
recovery               = { region = "eu-west-1", retention_days = 35 }
operator_cidrs         = ["203.0.113.10/32"]
log_retention_days     = 365

image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

service = { cpu = 1024, memory = 2048, min_tasks = 3, max_tasks = 30 }
worker  = { cpu = 1024, memory = 4096, min_tasks = 2, max_tasks = 20 }

database = {
  engine_version        = "17.7"
  min_acu               = 2
  max_acu               = 32
  readers               = 1
  backup_retention_days = 35
}

cache  = { node_type = "cache.t4g.small", replicas = 2 }
limits = { requests_per_second = 1000, burst = 2000 }

chat_model = {
  model   = "anthropic.claude-sonnet-4-5-20250929-v1:0"
  profile = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
  regions = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"]
}

login = {
  domain_prefix          = "pidima-prod-example"
  second_factor_required = true
}

tracing            = true
sampling           = { questions = 0.05, rest = 0.01 }
urgent_subscribers = ["https://events.example.com/pidima-prod"]
notice_subscribers = ["platform@example.com"]
monthly_budget_usd = 3000

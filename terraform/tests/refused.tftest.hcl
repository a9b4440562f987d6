# What is refused before anything is made. Every variable of a list must be refused; the words are tested in checks/.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
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

  sampling           = { questions = 0.05, rest = 0.01 }
  urgent_subscribers = ["https://events.example.com/pidima-prod"]
  notice_subscribers = ["platform@example.com"]
  monthly_budget_usd = 3000

  # Ephemeral values have no default in a test.
  app_database_password = "0123456789abcdef0123456789abcdef"
  cache_password        = "0123456789abcdef0123456789abcdef"
  signing_secret        = "0123456789abcdef0123456789abcdef"
  password_peppers      = "one:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
  openai_api_key        = "key"
}

run "values_without_a_meaning_are_refused" {
  command = plan

  variables {
    environment    = "production"
    account_id     = "prod"
    zones          = ["us-east-1a", "us-east-1b", "us-east-1c"]
    public_name    = "https://docs.example.com/"
    hosted_zone_id = "example.com"
    image_digest   = "latest"
    openai         = { base_url = "http://models.example.com/v1", model = "m" }
  }

  expect_failures = [
    var.environment, var.account_id, var.zones, var.public_name, var.hosted_zone_id, var.image_digest, var.openai,
  ]
}

run "production_in_name_only_is_refused" {
  command = plan

  variables {
    protected              = false
    nat_in_each_zone       = false
    endpoints_in_each_zone = false
    recovery               = null
    log_retention_days     = 30
    urgent_subscribers     = []
    service                = { cpu = 1024, memory = 2048, min_tasks = 1, max_tasks = 30 }
    cache                  = { node_type = "cache.t4g.small", replicas = 0 }
    login                  = { domain_prefix = "pidima-prod-example", second_factor_required = false }
  }

  expect_failures = [
    var.protected, var.nat_in_each_zone, var.endpoints_in_each_zone, var.recovery, var.log_retention_days, var.urgent_subscribers,
    var.service, var.cache, var.login,
  ]
}

# Alone, since whether all tasks fit is not asked of a service that is refused itself.
run "a_database_of_production_that_sleeps_is_refused" {
  command = plan

  variables {
    database = { engine_version = "17.7", min_acu = 0, max_acu = 32, readers = 0, backup_retention_days = 35, pool_size = 5 }
  }

  expect_failures = [var.database]
}

run "what_contradicts_itself_is_refused" {
  command = plan

  variables {
    recovery           = { region = "eu-central-1", retention_days = 35 }
    log_retention_days = 366
    worker             = { cpu = 1024, memory = 4096, min_tasks = 5, max_tasks = 2 }
  }

  expect_failures = [var.recovery, var.log_retention_days, var.worker]
}

run "more_connections_than_aurora_allows_are_refused" {
  command = plan

  variables {
    database = { engine_version = "17.7", min_acu = 2, max_acu = 4, readers = 1, backup_retention_days = 35 }
  }

  expect_failures = [var.database]
}

run "a_collector_that_moves_or_comes_from_anywhere_is_refused" {
  command = plan

  variables {
    collector = { image = "docker.io/otel/collector", tag = "latest", cpu = 16, memory = 64 }
  }

  expect_failures = [var.collector]
}

run "tasks_that_do_not_hold_their_collector_are_refused" {
  command = plan

  variables {
    service   = { cpu = 256, memory = 512, min_tasks = 3, max_tasks = 30 }
    worker    = { cpu = 512, memory = 1024, min_tasks = 2, max_tasks = 20 }
    collector = { cpu = 256 }
  }

  expect_failures = [var.collector]
}

run "weak_secrets_are_refused" {
  command = plan

  variables {
    app_database_password = "short"
    cache_password        = "0123456789abcdef0123456789abc@/:"
    signing_secret        = "short"
    password_peppers      = "no pepper"
  }

  expect_failures = [var.app_database_password, var.cache_password, var.signing_secret, var.password_peppers]
}

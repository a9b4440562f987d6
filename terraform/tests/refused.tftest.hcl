# What is refused in production, and what a setting changes.

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

  image_digest     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  collector_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

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

run "an_image_by_tag_is_refused" {
  command = plan

  variables {
    image_digest = "latest"
  }

  expect_failures = [var.image_digest]
}

run "credentials_of_no_account_are_refused" {
  command = plan

  variables {
    account_id = "prod"
  }

  expect_failures = [var.account_id]
}

run "an_unknown_environment_is_refused" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}

run "zones_of_another_region_are_refused" {
  command = plan

  variables {
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  }

  expect_failures = [var.zones]
}

run "a_name_with_a_path_is_refused" {
  command = plan

  variables {
    public_name = "https://docs.example.com/"
  }

  expect_failures = [var.public_name]
}

run "production_without_protection_is_refused" {
  command = plan

  variables {
    protected = false
  }

  expect_failures = [var.protected]
}

run "production_with_one_way_out_is_refused" {
  command = plan

  variables {
    nat_in_each_zone = false
  }

  expect_failures = [var.nat_in_each_zone]
}

run "production_without_copies_is_refused" {
  command = plan

  variables {
    recovery = null
  }

  expect_failures = [var.recovery]
}

run "copies_in_the_same_region_are_refused" {
  command = plan

  variables {
    recovery = { region = "eu-central-1", retention_days = 35 }
  }

  expect_failures = [var.recovery]
}

run "production_without_a_second_task_is_refused" {
  command = plan

  variables {
    service = { cpu = 1024, memory = 2048, min_tasks = 1, max_tasks = 30 }
  }

  expect_failures = [var.service]
}

run "production_that_sleeps_is_refused" {
  command = plan

  variables {
    database = { engine_version = "17.7", min_acu = 0, max_acu = 32, readers = 1, backup_retention_days = 35 }
  }

  expect_failures = [var.database]
}

run "more_connections_than_aurora_allows_are_refused" {
  command = plan

  variables {
    database = { engine_version = "17.7", min_acu = 2, max_acu = 4, readers = 1, backup_retention_days = 35 }
  }

  expect_failures = [var.database]
}

run "production_without_a_replica_is_refused" {
  command = plan

  variables {
    cache = { node_type = "cache.t4g.small", replicas = 0 }
  }

  expect_failures = [var.cache]
}

run "production_that_forgets_its_logs_is_refused" {
  command = plan

  variables {
    log_retention_days = 30
  }

  expect_failures = [var.log_retention_days]
}

run "a_time_that_cloudwatch_does_not_know_is_refused" {
  command = plan

  variables {
    log_retention_days = 366
  }

  expect_failures = [var.log_retention_days]
}

run "production_that_wakes_nobody_is_refused" {
  command = plan

  variables {
    urgent_subscribers = []
  }

  expect_failures = [var.urgent_subscribers]
}

run "production_without_a_second_factor_is_refused" {
  command = plan

  variables {
    login = { domain_prefix = "pidima-prod-example", second_factor_required = false }
  }

  expect_failures = [var.login]
}

run "a_model_server_without_tls_is_refused" {
  command = plan

  variables {
    openai = { base_url = "http://models.example.com/v1", model = "m" }
  }

  expect_failures = [var.openai]
}

run "a_short_signing_secret_is_refused" {
  command = plan

  variables {
    signing_secret = "short"
  }

  expect_failures = [var.signing_secret]
}

run "a_password_that_breaks_an_address_is_refused" {
  command = plan

  variables {
    cache_password = "0123456789abcdef0123456789abc@/:"
  }

  expect_failures = [var.cache_password]
}

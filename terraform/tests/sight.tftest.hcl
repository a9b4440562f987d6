# What an operator sees, and what wakes them.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                    = "pidima-prod"
  environment             = "prod"
  region                  = "eu-central-1"
  urgent_subscribers      = ["https://events.example.com/pidima", "night@example.com"]
  notice_subscribers      = ["platform@example.com"]
  alarms_key_arn          = "arn:aws:kms:eu-central-1:123456789012:key/alarms"
  monthly_budget_usd      = 3000
  api_name                = "pidima-prod"
  stage_name              = "live"
  load_balancer_dimension = "app/pidima-prod/1"
  target_group_dimension  = "targetgroup/t/1"
  cluster_name            = "pidima-prod"
  service_name            = "service"
  min_service_tasks       = 3
  worker_name             = "worker"
  database_identifier     = "pidima-prod"
  max_connections         = 1600
  cache_id                = "pidima-prod"
  queue_name              = "pidima-prod-jobs"
  dead_queue_name         = "pidima-prod-jobs-dead"
  chat_model_id           = "abc123"
  web_acl_name            = "pidima-prod"
  alarm_arns              = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a"]
  sampled_questions       = 0.05
  sampled_rest            = 0.01
  gateway_log_group       = "/pidima-prod/gateway"
  service_log_group       = "/pidima-prod/service"
  worker_log_group        = "/pidima-prod/worker"
  firewall_log_group      = "aws-waf-logs-pidima-prod"
  network_log_group       = "/pidima-prod/network"

  metrics = {
    runs        = { namespace = "Pidima/prod", metric = "Runs" }
    runs_failed = { namespace = "Pidima/prod", metric = "RunsFailed" }
  }
  levels = {
    all    = { namespace = "Pidima/prod", metric = "Runs" }
    failed = { namespace = "Pidima/prod", metric = "RunsFailed" }
  }
}

run "a_fast_fire_wakes_and_a_slow_one_waits_for_the_morning" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.burn) == 4 && aws_cloudwatch_composite_alarm.burn["availability-fast"].alarm_actions == toset([aws_sns_topic.this["urgent"].arn]) && aws_cloudwatch_composite_alarm.burn["availability-slow"].alarm_actions == toset([aws_sns_topic.this["notice"].arn])
    error_message = "Each level needs a fast and a slow fire, to the right bell."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.burn["availability-fast"].alarm_rule == "ALARM(\"pidima-prod-burn-availability-fast-long\") AND ALARM(\"pidima-prod-burn-availability-fast-short\")"
    error_message = "Both windows must burn."
  }
}

run "burn_rates_follow_from_the_objective" {
  command = plan

  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = abs(aws_cloudwatch_metric_alarm.window["availability-fast-long"].threshold - 1.44) < 0.0001 && abs(aws_cloudwatch_metric_alarm.window["availability-slow-short"].threshold - 0.6) < 0.0001
    error_message = "At 99.9 in 100 a fast fire is 1.44 failures in 100, a slow one 0.6."
  }

  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.window["answers-fast-short"].metric_query : query.metric[0].period if length(query.metric) > 0]) == toset([300]) && toset([for query in aws_cloudwatch_metric_alarm.window["answers-slow-long"].metric_query : query.metric[0].period if length(query.metric) > 0]) == toset([21600])
    error_message = "The windows must be five minutes to six hours."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.window : length(alarm.alarm_actions == null ? [] : alarm.alarm_actions) == 0])
    error_message = "A window alone tells nobody."
  }
}

run "each_part_has_an_alarm_that_says_what_to_do" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.part : alarm.namespace]) == toset(["AWS/SQS", "AWS/ApplicationELB", "ECS/ContainerInsights", "AWS/ECS", "AWS/RDS", "AWS/ElastiCache", "AWS/Bedrock", "AWS/WAFV2"])
    error_message = "A part is watched by nobody."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.part : length(alarm.alarm_actions) == 1 && length(alarm.alarm_description) > 20])
    error_message = "An alarm tells nobody, or not what to do."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.part["dead_letters"].threshold == 0 && aws_cloudwatch_metric_alarm.part["dead_letters"].alarm_actions == toset([aws_sns_topic.this["urgent"].arn])
    error_message = "The first dead letter must be told."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.part["no_worker"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.part["dead_letters"].treat_missing_data == "notBreaching"
    error_message = "No count of tasks is no task."
  }
}

run "bells_ring_encrypted_and_for_alarms_of_this_account" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.alarms_key_arn]) && alltrue([for policy in aws_sns_topic_policy.this : jsondecode(policy.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "Anybody could ring, or listen."
  }

  assert {
    condition     = { for name, subscription in aws_sns_topic_subscription.this : name => subscription.protocol } == { "notice platform@example.com" = "email", "urgent https://events.example.com/pidima" = "https", "urgent night@example.com" = "email" }
    error_message = "Somebody is not told."
  }
}

run "money_is_watched" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = aws_budgets_budget.this.limit_amount == "3000" && toset([for notification in aws_budgets_budget.this.notification : notification.notification_type]) == toset(["ACTUAL", "FORECASTED"]) && one(aws_budgets_budget.this.cost_filter).values == tolist(["user:Environment$prod"])
    error_message = "The budget must be watched, spent and foreseen, of this environment."
  }
}

run "a_promise_of_a_hundred_in_a_hundred_is_refused" {
  command = plan

  module {
    source = "./modules/alarms"
  }

  variables {
    availability_objective = 100
  }

  expect_failures = [var.availability_objective]
}

run "the_dashboard_shows_every_part" {
  command = plan

  module {
    source = "./modules/sight"
  }

  assert {
    condition = length(setsubtract(
      ["AWS/ApiGateway", "AWS/ApplicationELB", "AWS/WAFV2", "AWS/Bedrock", "ECS/ContainerInsights", "AWS/ECS", "AWS/SQS", "AWS/RDS", "AWS/ElastiCache", "Pidima/prod"],
      flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in try(widget.properties.metrics, []) : metric[0]]]),
    )) == 0
    error_message = "A part is not to be seen."
  }

  assert {
    condition     = tolist(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == var.alarm_arns
    error_message = "Alarms come first."
  }
}

run "one_request_can_be_found_in_the_logs" {
  command = plan

  module {
    source = "./modules/sight"
  }

  assert {
    condition     = toset(aws_cloudwatch_query_definition.this["one id"].log_group_names) == toset(["/pidima-prod/service", "/pidima-prod/worker"]) && aws_cloudwatch_query_definition.this["one refusal of the gateway"].log_group_names == tolist(["/pidima-prod/gateway"])
    error_message = "A log is missing."
  }
}

run "questions_are_traced_more_than_the_rest" {
  command = plan

  module {
    source = "./modules/sight"
  }

  assert {
    condition     = aws_xray_sampling_rule.this["questions"].priority < aws_xray_sampling_rule.this["rest"].priority && aws_xray_sampling_rule.this["questions"].fixed_rate == 0.05 && aws_xray_sampling_rule.this["rest"].fixed_rate == 0.01
    error_message = "The rule for questions must win."
  }

  assert {
    condition     = strcontains(aws_xray_group.this.filter_expression, "service(\"pidima-prod/live\")")
    error_message = "The group must hold what the gateway traces."
  }
}

run "a_share_above_one_is_refused" {
  command = plan

  module {
    source = "./modules/sight"
  }

  variables {
    sampled_questions = 5
  }

  expect_failures = [var.sampled_questions]
}

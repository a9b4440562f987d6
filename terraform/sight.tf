# What an operator sees, and what wakes them.

locals {
  # What the service says in its log, a JSON object a line, as metrics. Without dimensions: with one CloudWatch takes no
  # value where nothing was said.
  logged = {
    runs = {
      metric  = "Runs"
      pattern = "{ ($.message = \"request\") && (($.operation = \"create_answer\") || ($.operation = \"create_message\")) && ($.status < 400) }"
    }
    runs_failed = {
      metric  = "RunsFailed"
      pattern = "{ $.message = \"run failed\" }"
    }
  }

  metrics = { for name, logged in local.logged : name => { namespace = "Pidima/${var.environment}", metric = logged.metric } }

  # Metrics of Bedrock name what was asked: the profile, by its id.
  chat_model_id = split("/", module.models.chat_profile_arn)[length(split("/", module.models.chat_profile_arn)) - 1]
}

resource "aws_cloudwatch_log_metric_filter" "logged" {
  for_each = local.logged

  name           = "${local.name}-${replace(each.key, "_", "-")}"
  log_group_name = module.service_task.log_group_name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.metrics[each.key].namespace
    name          = each.value.metric
    value         = "1"
    default_value = "0"
  }
}

module "alarms" {
  source = "./modules/alarms"

  name                    = local.name
  environment             = var.environment
  region                  = var.region
  urgent_subscribers      = var.urgent_subscribers
  notice_subscribers      = var.notice_subscribers
  alarms_key_arn          = module.keys.arns["alarms"]
  monthly_budget_usd      = var.monthly_budget_usd
  metrics                 = local.metrics
  api_name                = module.gateway.api_name
  stage_name              = module.gateway.stage_name
  load_balancer_dimension = module.load_balancer.dimension
  target_group_dimension  = module.load_balancer.target_group_dimension
  cluster_name            = aws_ecs_cluster.this.name
  service_name            = module.service.name
  min_service_tasks       = var.service.min_tasks
  worker_name             = module.worker.name
  database_identifier     = module.database.identifier
  max_connections         = floor(local.max_connections * 0.8)
  cache_id                = module.cache.id
  queue_name              = module.queue.name
  dead_queue_name         = module.queue.dead_name
  chat_model_id           = local.chat_model_id
  web_acl_name            = module.firewall.metric_name
}

module "sight" {
  source = "./modules/sight"

  name                    = local.name
  region                  = var.region
  alarm_arns              = module.alarms.alarm_arns
  levels                  = { all = local.metrics.runs, failed = local.metrics.runs_failed }
  sampled_questions       = var.sampling.questions
  sampled_rest            = var.sampling.rest
  api_name                = module.gateway.api_name
  stage_name              = module.gateway.stage_name
  web_acl_name            = module.firewall.metric_name
  load_balancer_dimension = module.load_balancer.dimension
  cluster_name            = aws_ecs_cluster.this.name
  service_name            = module.service.name
  worker_name             = module.worker.name
  database_identifier     = module.database.identifier
  cache_id                = module.cache.id
  queue_name              = module.queue.name
  dead_queue_name         = module.queue.dead_name
  chat_model_id           = local.chat_model_id
  gateway_log_group       = module.gateway.log_group_name
  service_log_group       = module.service_task.log_group_name
  worker_log_group        = module.worker_task.log_group_name
  firewall_log_group      = module.firewall.log_group_name
  network_log_group       = module.network.log_group_name
}

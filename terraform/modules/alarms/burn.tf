# Service levels, watched by how fast their budget of failures burns: a fast fire (2 in 100 of a month's budget in an
# hour) wakes somebody, a slow one (5 in 100 in six hours) is read in the morning. A short window beside each long one
# ends the alarm soon after the fire is out.

locals {
  levels = {
    availability = {
      promise   = "${var.availability_objective} in 100 requests do not end with an error of ours"
      objective = var.availability_objective
      failed = {
        namespace  = "AWS/ApiGateway", metric = "5XXError", stat = "Sum"
        dimensions = { ApiName = var.api_name, Stage = var.stage_name }
      }
      all = {
        namespace  = "AWS/ApiGateway", metric = "Count", stat = "SampleCount"
        dimensions = { ApiName = var.api_name, Stage = var.stage_name }
      }
    }
    answers = {
      promise   = "${var.answers_objective} in 100 questions that were taken end with an answer"
      objective = var.answers_objective
      failed    = merge(var.metrics.runs_failed, { stat = "Sum", dimensions = {} })
      all       = merge(var.metrics.runs, { stat = "Sum", dimensions = {} })
    }
  }

  fires = {
    fast = { burn = 14.4, long = 3600, short = 300, topic = "urgent" }
    slow = { burn = 6, long = 21600, short = 1800, topic = "notice" }
  }

  windows = merge(flatten([
    for level in keys(local.levels) : [
      for fire, window in local.fires : {
        for length in ["long", "short"] : "${level}-${fire}-${length}" => {
          level  = level
          burn   = window.burn
          period = window[length]
        }
      }
    ]
  ])...)

  burns = merge([
    for level in keys(local.levels) : { for fire, window in local.fires : "${level}-${fire}" => { level = level, fire = fire, topic = window.topic } }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "window" {
  for_each = local.windows

  alarm_name          = "${var.name}-burn-${each.key}"
  alarm_description   = "Part of ${var.name}-burn-${each.value.level}: tells nobody by itself."
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.burn * (100 - local.levels[each.value.level].objective)
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    label       = "failed, in 100"
    expression  = "IF(all > 0, 100 * failed / all, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failed = local.levels[each.value.level].failed, all = local.levels[each.value.level].all }

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = each.value.period
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "burn" {
  for_each = local.burns

  alarm_name        = "${var.name}-burn-${each.key}"
  alarm_description = "${local.levels[each.value.level].promise}: the budget of failures burns ${local.fires[each.value.fire].burn} times too fast. See the run book."
  alarm_rule        = "ALARM(\"${aws_cloudwatch_metric_alarm.window["${each.key}-long"].alarm_name}\") AND ALARM(\"${aws_cloudwatch_metric_alarm.window["${each.key}-short"].alarm_name}\")"
  alarm_actions     = [aws_sns_topic.this[each.value.topic].arn]
  ok_actions        = [aws_sns_topic.this[each.value.topic].arn]
}

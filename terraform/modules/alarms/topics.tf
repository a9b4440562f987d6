# Two bells: one that wakes somebody, one that is read in the morning.

data "aws_caller_identity" "this" {}

locals {
  topics = { urgent = var.urgent_subscribers, notice = var.notice_subscribers }

  subscriptions = merge([
    for topic, subscribers in local.topics : {
      for subscriber in subscribers : "${topic} ${subscriber}" => { topic = topic, endpoint = subscriber }
    }
  ]...)
}

resource "aws_sns_topic" "this" {
  for_each = local.topics

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.alarms_key_arn
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topics

  arn = aws_sns_topic.this[each.key].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudgetsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.this[each.key].arn
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local.subscriptions

  topic_arn = aws_sns_topic.this[each.value.topic].arn
  protocol  = startswith(each.value.endpoint, "https://") ? "https" : "email"
  endpoint  = each.value.endpoint
}

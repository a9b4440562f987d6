# Money: told when most of the month's budget is spent, and when it is foreseen to be passed.

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  # By the tag that each resource carries; it must be switched on as a cost allocation tag.
  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Environment$%s", var.environment)]
  }

  dynamic "notification" {
    for_each = {
      "80 spent"     = { percent = 80, type = "ACTUAL" }
      "100 spent"    = { percent = 100, type = "ACTUAL" }
      "110 foreseen" = { percent = 110, type = "FORECASTED" }
    }

    content {
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      notification_type         = notification.value.type
      subscriber_sns_topic_arns = [aws_sns_topic.this["notice"].arn]
    }
  }

  depends_on = [aws_sns_topic_policy.this]
}

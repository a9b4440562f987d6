# Models of Amazon Bedrock: a profile of our own, by which the bill tells what this environment spends on answers, and a
# guardrail that reads questions and answers.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  region  = data.aws_region.this.region

  # A profile of AWS that spreads over regions has the region's group before the model; a model without one stays here.
  source_arn = (
    var.chat_model.profile == null
    ? "arn:aws:bedrock:${local.region}::foundation-model/${var.chat_model.model}"
    : "arn:aws:bedrock:${local.region}:${local.account}:inference-profile/${var.chat_model.profile}"
  )
}

resource "aws_bedrock_inference_profile" "chat" {
  name        = "${var.name}-chat"
  description = "Answers of ${var.name}"

  model_source {
    copy_from = local.source_arn
  }
}

resource "aws_bedrock_guardrail" "this" {
  name                      = var.name
  description               = "What neither a question nor an answer may hold"
  blocked_input_messaging   = "This question can not be answered here."
  blocked_outputs_messaging = "The answer was withheld."

  content_policy_config {
    dynamic "filters_config" {
      for_each = toset(["HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT"])

      content {
        type            = filters_config.value
        input_strength  = var.filter_strength
        output_strength = var.filter_strength
      }
    }

    # Orders to the model. Of an answer there is no such filter.
    filters_config {
      type            = "PROMPT_ATTACK"
      input_strength  = "HIGH"
      output_strength = "NONE"
    }
  }

  # Keys that stand in documentation by mistake are not told on.
  sensitive_information_policy_config {
    dynamic "pii_entities_config" {
      for_each = toset(["AWS_ACCESS_KEY", "AWS_SECRET_KEY", "CREDIT_DEBIT_CARD_NUMBER", "PASSWORD"])

      content {
        type   = pii_entities_config.value
        action = "ANONYMIZE"
      }
    }
  }
}

# The service names a version, so that a change of the guardrail is a deployment like any other.
resource "aws_bedrock_guardrail_version" "this" {
  guardrail_arn = aws_bedrock_guardrail.this.guardrail_arn
  description   = "In use by ${var.name}"
  skip_destroy  = true

  lifecycle {
    replace_triggered_by = [aws_bedrock_guardrail.this]
  }
}

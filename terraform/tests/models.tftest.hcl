# Models of Bedrock: rights by ARN, and a guardrail.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "pidima-prod"
  embedding_model = "amazon.titan-embed-text-v2:0"
  chat_model = {
    model   = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    profile = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    regions = ["eu-central-1", "eu-west-1"]
  }
}

run "models_are_asked_by_our_profile_alone" {
  module {
    source = "./modules/models"
  }

  assert {
    condition     = aws_bedrock_inference_profile.chat.model_source[0].copy_from == "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    error_message = "The profile must spread over the regions of AWS's own."
  }

  assert {
    condition     = output.chat_statements[0].Resource == [aws_bedrock_inference_profile.chat.arn]
    error_message = "The right to ask must be for the profile."
  }

  assert {
    condition     = output.chat_statements[1].Resource == ["arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0", "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"] && contains(output.chat_statements[1].Condition.StringEquals["bedrock:InferenceProfileArn"], aws_bedrock_inference_profile.chat.arn)
    error_message = "A model can be asked around the profile."
  }

  assert {
    condition     = toset(flatten([for s in output.chat_statements : s.Action])) == toset(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:ApplyGuardrail"])
    error_message = "More is allowed than asking."
  }
}

run "embedding_asks_one_model_of_this_region" {
  command = plan

  module {
    source = "./modules/models"
  }

  assert {
    condition     = output.embedding_statements == [{ Sid = "Embed", Effect = "Allow", Action = ["bedrock:InvokeModel"], Resource = ["arn:aws:bedrock:eu-central-1::foundation-model/amazon.titan-embed-text-v2:0"] }]
    error_message = "Embedding may ask something else."
  }
}

run "a_guardrail_reads_questions_and_answers" {
  command = plan

  module {
    source = "./modules/models"
  }

  assert {
    condition     = contains([for filter in aws_bedrock_guardrail.this.content_policy_config[0].filters_config : filter.type if filter.input_strength == "HIGH"], "PROMPT_ATTACK")
    error_message = "Orders to the model must be caught."
  }

  assert {
    condition     = contains([for entity in aws_bedrock_guardrail.this.sensitive_information_policy_config[0].pii_entities_config : entity.type if entity.action == "ANONYMIZE"], "AWS_SECRET_KEY")
    error_message = "A key in a document would be told on."
  }
}

run "a_model_by_asterisk_is_refused" {
  command = plan

  module {
    source = "./modules/models"
  }

  variables {
    chat_model = { model = "anthropic.*", regions = ["eu-central-1"] }
  }

  expect_failures = [var.chat_model]
}

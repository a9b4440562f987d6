# What a task may ask of Bedrock. Converse and ConverseStream are asked for by the names of the older operations.

locals {
  chat_statements = [
    {
      Sid      = "AskTheProfile"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
      Resource = [aws_bedrock_inference_profile.chat.arn]
    },
    {
      # Behind the profile the models are asked in each of its regions, and through it alone.
      Sid      = "ModelsBehindTheProfile"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
      Resource = [for region in var.chat_model.regions : "arn:aws:bedrock:${region}::foundation-model/${var.chat_model.model}"]
      Condition = {
        StringEquals = { "bedrock:InferenceProfileArn" = [aws_bedrock_inference_profile.chat.arn, local.source_arn] }
      }
    },
    {
      Sid      = "ApplyTheGuardrail"
      Effect   = "Allow"
      Action   = ["bedrock:ApplyGuardrail"]
      Resource = [aws_bedrock_guardrail.this.guardrail_arn]
    },
  ]

  embedding_statements = [
    {
      Sid      = "Embed"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel"]
      Resource = ["arn:aws:bedrock:${local.region}::foundation-model/${var.embedding_model}"]
    },
  ]
}

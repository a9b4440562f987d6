# The files of envs/, each checked as it stands: run with -var-file=envs/<environment>.tfvars.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  app_database_password = "0123456789abcdef0123456789abcdef"
  cache_password        = "0123456789abcdef0123456789abcdef"
  signing_secret        = "0123456789abcdef0123456789abcdef"
  password_peppers      = "one:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
  openai_api_key        = "key"
}

run "the_environment_can_be_planned" {
  command = plan

  assert {
    condition     = local.name == "pidima-${var.environment}" && output.url == "https://${var.public_name}"
    error_message = "Names do not follow the environment."
  }

  assert {
    condition     = (var.recovery == null) == (length(module.recovery) == 0)
    error_message = "Copies are made where none were asked for, or the other way around."
  }
}

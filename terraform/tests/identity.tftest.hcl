# Logins of people and machines.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "pidima-prod"
  domain_prefix          = "pidima-prod-example"
  resource_server        = "https://docs.example.com"
  callback_urls          = ["https://docs.example.com/login/callback"]
  logout_urls            = ["https://docs.example.com/login"]
  machine_clients        = { importer = ["documents_read", "documents_write"] }
  groups                 = ["pidima:acme:editor"]
  second_factor_required = true
  deletion_protection    = true
}

run "browsers_log_in_by_code_and_hold_no_secret" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = aws_cognito_user_pool_client.browser.allowed_oauth_flows == toset(["code"]) && aws_cognito_user_pool_client.browser.generate_secret == false
    error_message = "Browsers use a code with PKCE and nothing else."
  }

  assert {
    condition     = aws_cognito_user_pool_client.browser.enable_token_revocation && aws_cognito_user_pool_client.browser.prevent_user_existence_errors == "ENABLED" && aws_cognito_user_pool_client.browser.access_token_validity <= 15
    error_message = "Tokens are short, can be revoked, and tell nobody who has an account."
  }

  assert {
    condition     = aws_cognito_user_pool_client.browser.write_attributes == toset(["name"])
    error_message = "Who logs in could change who they are."
  }
}

run "machines_have_clients_and_scopes_of_their_own" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = aws_cognito_user_pool_client.machine["importer"].allowed_oauth_flows == toset(["client_credentials"]) && aws_cognito_user_pool_client.machine["importer"].allowed_oauth_scopes == toset(["https://docs.example.com/documents_read", "https://docs.example.com/documents_write"])
    error_message = "A machine has scopes that it was not given."
  }

  assert {
    condition     = toset([for scope in aws_cognito_resource_server.api.scope : scope.scope_name]) == toset(["ask", "documents_read", "documents_write", "manage"])
    error_message = "A scope is missing."
  }
}

run "asking_is_no_right_to_change_documents" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = length(output.write_scopes) == 3 && !contains(output.write_scopes, "https://docs.example.com/documents_read") && length(output.read_scopes) == 4
    error_message = "A scope to read must not open writing."
  }
}

run "accounts_come_by_invitation_with_a_second_factor" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = aws_cognito_user_pool.this.admin_create_user_config[0].allow_admin_create_user_only && aws_cognito_user_pool.this.mfa_configuration == "ON" && aws_cognito_user_pool.this.software_token_mfa_configuration[0].enabled
    error_message = "Anybody could make an account, or one password would do."
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE" && aws_cognito_user_pool.this.password_policy[0].minimum_length >= 12
    error_message = "The user pool must be protected, and passwords long."
  }

  assert {
    condition     = aws_cognito_user_pool_domain.this.domain == "pidima-prod-example"
    error_message = "The login pages have no address."
  }
}

run "groups_name_tenant_and_role" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = aws_cognito_user_group.this["pidima:acme:editor"].name == "pidima:acme:editor"
    error_message = "The group is missing."
  }
}

run "a_group_with_an_unknown_role_is_refused" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    groups = ["pidima:acme:root"]
  }

  expect_failures = [var.groups]
}

run "a_return_without_tls_is_refused" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    callback_urls = ["http://docs.example.com/login/callback"]
  }

  expect_failures = [var.callback_urls]
}

run "a_machine_with_an_unknown_scope_is_refused" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    machine_clients = { importer = ["everything"] }
  }

  expect_failures = [var.machine_clients]
}

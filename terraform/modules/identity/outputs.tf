output "user_pool_arn" {
  description = "The user pool, for the gateway and the firewall."
  value       = aws_cognito_user_pool.this.arn
}

output "issuer" {
  description = "Issuer of the tokens, as they say it."
  value       = "https://${aws_cognito_user_pool.this.endpoint}"
}

output "browser_client_id" {
  description = "Client of the login in browsers."
  value       = aws_cognito_user_pool_client.browser.id
}

output "machine_client_ids" {
  description = "Clients of machines, by name."
  value       = { for name, client in aws_cognito_user_pool_client.machine : name => client.id }
}

output "login_url" {
  description = "Address of the login pages."
  value       = "https://${aws_cognito_user_pool_domain.this.domain}.auth.${data.aws_region.this.region}.amazoncognito.com"
}

output "read_scopes" {
  description = "Scopes of which one is needed to read through the tree of tokens."
  value       = [for name in keys(local.scopes) : "${aws_cognito_resource_server.api.identifier}/${name}"]
}

output "write_scopes" {
  description = "Scopes of which one is needed for anything else there: asking is a POST."
  value       = [for name in ["ask", "documents_write", "manage"] : "${aws_cognito_resource_server.api.identifier}/${name}"]
}

data "aws_region" "this" {}

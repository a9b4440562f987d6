output "url" {
  description = "Address of the service."
  value       = local.public_url
}

output "image_repository" {
  description = "Where images are pushed to."
  value       = module.registry.urls["pidima"]
}

output "cluster_name" {
  description = "Cluster of ECS."
  value       = aws_ecs_cluster.this.name
}

output "migrate_command" {
  description = "Runs the migrate task once; to be followed by waiting for its end, see the run book."
  value = join(" ", [
    "aws ecs run-task",
    "--region ${var.region}",
    "--cluster ${aws_ecs_cluster.this.name}",
    "--task-definition ${module.migrate_task.definition_arn}",
    "--launch-type FARGATE",
    "--network-configuration 'awsvpcConfiguration={subnets=[${join(",", module.network.private_subnet_ids)}],securityGroups=[${module.walls.ids["migrate"]}],assignPublicIp=DISABLED}'",
    "--query 'tasks[0].taskArn' --output text",
  ])
}

output "login_url" {
  description = "Address of Cognito's login pages."
  value       = module.identity.login_url
}

output "issuer" {
  description = "Issuer of tokens."
  value       = module.identity.issuer
}

output "browser_client_id" {
  description = "Client of the login in browsers."
  value       = module.identity.browser_client_id
}

output "machine_client_ids" {
  description = "Clients of machines, by name."
  value       = module.identity.machine_client_ids
}

output "token_scopes" {
  description = "Scopes that open the tree of tokens: to read, and for anything else."
  value       = { read = module.identity.read_scopes, write = module.identity.write_scopes }
}

output "database_reader_endpoint" {
  description = "Where SQL logins of analysts connect, from inside the network."
  value       = module.database.reader_endpoint
}

output "administrator_secret_arn" {
  description = "Secret with the administrator's password of Aurora."
  value       = module.database.administrator_secret_arn
}

output "dead_queue_url" {
  description = "Queue of dead letters, for the run book."
  value       = module.queue.dead_url
}

output "alarm_topics" {
  description = "Topics of alarms: urgent and notice."
  value       = module.alarms.topic_arns
}

output "dashboard_name" {
  description = "Dashboard of this environment."
  value       = module.sight.dashboard_name
}

output "recovery_vault_arn" {
  description = "Vault of the copies in another region; null without one."
  value       = one(module.recovery[*].vault_arn)
}

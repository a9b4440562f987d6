# One image in three kinds of task: the service, the worker, and the migrate task that runs once before a deployment.

module "registry" {
  source = "./modules/registry"

  name                = local.name
  repositories        = ["pidima"]
  public_repositories = local.public_repositories
  images_key_arn      = module.keys.arns["images"]
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  # Counts of running tasks, which scaling and alarms need.
  setting {
    name  = "containerInsights"
    value = "enhanced"
  }
}

module "service_task" {
  source = "./modules/task"

  name                 = local.name
  role                 = "service"
  image                = local.image
  command              = ["serve", "--without-worker"]
  health_command       = local.health_command
  port                 = local.service_port
  cpu                  = var.service.cpu
  memory               = var.service.memory
  collector            = local.collector
  stop_timeout_seconds = local.stop_timeout_seconds
  environment          = merge(local.settings, local.outside_settings, local.openai_settings, local.trace_settings, local.service_settings)
  secrets              = merge(local.secret_settings, local.service_secret_settings)
  statements           = local.service_statements
  repository_arns      = [module.registry.arns["pidima"]]
  secrets_key_arn      = module.keys.arns["secrets"]
  logs_key_arn         = module.keys.arns["logs"]
  log_retention_days   = var.log_retention_days
}

module "worker_task" {
  source = "./modules/task"

  name                 = local.name
  role                 = "worker"
  image                = local.image
  command              = ["worker"]
  cpu                  = var.worker.cpu
  memory               = var.worker.memory
  collector            = local.collector
  stop_timeout_seconds = local.stop_timeout_seconds
  environment          = merge(local.settings, local.outside_settings, local.openai_settings, local.trace_settings, local.worker_settings)
  secrets              = local.secret_settings
  statements           = local.worker_statements
  repository_arns      = [module.registry.arns["pidima"]]
  secrets_key_arn      = module.keys.arns["secrets"]
  logs_key_arn         = module.keys.arns["logs"]
  log_retention_days   = var.log_retention_days
}

# No service runs it: a deployment does, once, and waits for its end (output migrate_command).
module "migrate_task" {
  source = "./modules/task"

  name                 = local.name
  role                 = "migrate"
  image                = local.image
  command              = ["migrate"]
  cpu                  = 512
  memory               = 1024
  stop_timeout_seconds = local.stop_timeout_seconds
  environment          = local.migrate_settings
  secrets              = local.migrate_secret_settings
  statements           = []
  repository_arns      = [module.registry.arns["pidima"]]
  secrets_key_arn      = module.keys.arns["secrets"]
  logs_key_arn         = module.keys.arns["logs"]
  log_retention_days   = var.log_retention_days
}

module "service" {
  source = "./modules/service"

  name                    = local.name
  cluster_arn             = aws_ecs_cluster.this.arn
  cluster_name            = aws_ecs_cluster.this.name
  definition_arn          = module.service_task.definition_arn
  container_name          = module.service_task.container_name
  port                    = local.service_port
  subnet_ids              = module.network.private_subnet_ids
  security_group_id       = module.walls.ids["service"]
  target_group_arn        = module.load_balancer.target_group_arn
  load_balancer_dimension = module.load_balancer.dimension
  target_group_dimension  = module.load_balancer.target_group_dimension
  min_tasks               = var.service.min_tasks
  max_tasks               = var.service.max_tasks

  # ECS refuses a target group that no listener leads to.
  depends_on = [module.load_balancer]
}

module "worker" {
  source = "./modules/worker"

  cluster_arn       = aws_ecs_cluster.this.arn
  cluster_name      = aws_ecs_cluster.this.name
  definition_arn    = module.worker_task.definition_arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.walls.ids["worker"]
  queue_name        = module.queue.name
  min_tasks         = var.worker.min_tasks
  max_tasks         = var.worker.max_tasks
}

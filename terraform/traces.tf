# The collector of traces beside service and worker: which image, from where.

locals {
  # Account, region and name, where the image is in an ECR already, as where an organisation keeps copies of its own. Any other
  # is of Amazon ECR Public and comes by the registry of this environment (modules/registry/public.tf).
  collector_mirror    = one(regexall("^(\\d{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/(.+)$", var.collector.image))
  collector_name      = trimprefix(var.collector.image, "public.ecr.aws/")
  public_repositories = var.tracing && local.collector_mirror == null ? [local.collector_name] : []

  collector_source = local.collector_mirror == null ? {
    url = try(module.registry.urls["public/${local.collector_name}"], "")
    arn = try(module.registry.arns["public/${local.collector_name}"], "")
    } : {
    url = var.collector.image
    arn = format("arn:aws:ecr:%[2]s:%[1]s:repository/%[3]s", local.collector_mirror...)
  }

  collector = !var.tracing ? null : {
    image          = "${local.collector_source.url}:${var.collector.tag}"
    cpu            = var.collector.cpu
    memory         = var.collector.memory
    repository_arn = local.collector_source.arn
    is_taken_in    = local.collector_mirror == null
  }
}

# Images of others come by this registry: the first pull of a tag takes it in from Amazon ECR Public, and from then on it is
# here, under our key, scanned, and not to be moved to other bytes. Tasks that start do not depend on a registry outside.

resource "aws_ecr_pull_through_cache_rule" "public" {
  count = length(var.public_repositories) > 0 ? 1 : 0

  ecr_repository_prefix = "${var.name}/public"
  upstream_registry_url = "public.ecr.aws"
}

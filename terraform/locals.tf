locals {
  name          = "pidima-${var.environment}"
  internal_name = "internal.${var.public_name}"
  public_url    = "https://${var.public_name}"
  stage_name    = "live"

  service_port  = 8080
  database_port = 5432
  cache_port    = 6379

  image = "${module.registry.urls["pidima"]}@${var.image_digest}"

  # Aurora allows a connection for each 9.5 MB of its largest memory, 5000 at most, and 2000 where it may shrink to 1 ACU or less.
  max_connections = min(var.database.min_acu <= 1 ? 2000 : 5000, floor(var.database.max_acu * 2147483648 / 9531392))
}

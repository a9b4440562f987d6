# The internal load balancer: reached by API Gateway's link alone.

resource "aws_lb" "this" {
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [var.security_group_id]
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  preserve_host_header       = false
  xff_header_processing_mode = "append"
  enable_deletion_protection = var.deletion_protection

  # Above the heartbeat of streams, so that a quiet stream lives; below the time after which the service closes an idle
  # connection, so that no request is sent into one that is just being closed.
  idle_timeout = var.idle_timeout_seconds

  access_logs {
    bucket  = var.logs_bucket
    prefix  = "load-balancer"
    enabled = true
  }

  connection_logs {
    bucket  = var.logs_bucket
    prefix  = "load-balancer-connections"
    enabled = true
  }
}

resource "aws_lb_target_group" "service" {
  #checkov:skip=CKV_AWS_378:Between load balancer and task traffic stays in private subnets, by security group; the service speaks plain HTTP
  # A prefix: what replaces the group must stand beside it for a while.
  name_prefix                   = "pidima"
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  protocol                      = "HTTP"
  port                          = var.service_port
  load_balancing_algorithm_type = "least_outstanding_requests"
  # A task that leaves gets no new requests and ends the ones it has.
  deregistration_delay = var.drain_seconds

  # ECS replaces a task that fails this check. The time until then is longer than a failover of Aurora, in which all
  # tasks are unready together: none is killed for it, and with all targets unhealthy the load balancer asks them all.
  health_check {
    path                = "/readyz"
    protocol            = "HTTP"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 10
  }

  lifecycle {
    create_before_destroy = true
  }
}

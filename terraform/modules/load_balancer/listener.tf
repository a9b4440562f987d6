locals {
  not_found = jsonencode({
    type   = "/problems#not_found"
    title  = "Not Found"
    status = 404
    code   = "not_found"
    detail = "There is nothing under this path."
  })
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = local.not_found
      status_code  = "404"
    }
  }
}

# What operators look at stays inside: health checks go to the tasks, not through this listener.
resource "aws_lb_listener_rule" "inside_only" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = local.not_found
      status_code  = "404"
    }
  }

  condition {
    path_pattern {
      values = ["/readyz", "/metrics", "/${var.stage_name}/readyz", "/${var.stage_name}/metrics"]
    }
  }
}

# Through a link of the second version API Gateway may put the name of its stage before the path. It is taken off here,
# where that costs nothing when it is not there: the mapping templates that would do it at the gateway exclude streaming.
resource "aws_lb_listener_rule" "without_stage" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service.arn
  }

  condition {
    host_header {
      values = [var.host_name]
    }
  }

  condition {
    path_pattern {
      values = ["/${var.stage_name}/*"]
    }
  }

  transform {
    type = "url-rewrite"

    url_rewrite_config {
      rewrite {
        regex   = "^/${var.stage_name}/(.*)$"
        replace = "/$1"
      }
    }
  }
}

resource "aws_lb_listener_rule" "service" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service.arn
  }

  condition {
    host_header {
      values = [var.host_name]
    }
  }
}

# The internal load balancer.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                 = "pidima-prod"
  vpc_id               = "vpc-1"
  subnet_ids           = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id    = "sg-1"
  certificate_arn      = "arn:aws:acm:eu-central-1:123456789012:certificate/c"
  host_name            = "internal.docs.example.com"
  stage_name           = "live"
  service_port         = 8080
  idle_timeout_seconds = 60
  drain_seconds        = 60
  logs_bucket          = "logs"
  deletion_protection  = true
}

run "it_is_internal_protected_and_logged" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = aws_lb.this.internal && aws_lb.this.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields && aws_lb.this.desync_mitigation_mode == "strictest"
    error_message = "The load balancer must be internal, protected and strict."
  }

  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.access_logs[0].bucket == "logs" && aws_lb.this.connection_logs[0].enabled
    error_message = "Requests and connections must be logged."
  }
}

run "a_quiet_stream_lives_between_two_heartbeats" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = aws_lb.this.idle_timeout >= 2 * 15 && aws_lb.this.idle_timeout < 75
    error_message = "The idle time must be twice the heartbeat of 15 s, and below the 75 s of the service."
  }
}

run "it_speaks_tls_and_answers_one_host_alone" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.port == 443 && strcontains(aws_lb_listener.https.ssl_policy, "TLS13-1-2")
    error_message = "The listener must speak TLS 1.2 or 1.3."
  }

  assert {
    condition     = aws_lb_listener.https.default_action[0].fixed_response[0].status_code == "404" && one(aws_lb_listener_rule.service.condition).host_header[0].values == toset(["internal.docs.example.com"])
    error_message = "Another host must be answered with 404."
  }
}

run "what_operators_look_at_stays_inside" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = toset(["/readyz", "/metrics", "/live/readyz", "/live/metrics"]) == one(aws_lb_listener_rule.inside_only.condition).path_pattern[0].values && aws_lb_listener_rule.inside_only.priority < aws_lb_listener_rule.without_stage.priority
    error_message = "Readiness and metrics can be read from outside."
  }
}

run "the_name_of_the_stage_is_taken_off" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = one(aws_lb_listener_rule.without_stage.transform).url_rewrite_config[0].rewrite[0].regex == "^/live/(.*)$" && one(aws_lb_listener_rule.without_stage.transform).url_rewrite_config[0].rewrite[0].replace == "/$1"
    error_message = "A path with the stage before it would find nothing."
  }
}

run "a_task_is_asked_whether_it_is_ready_and_leaves_slowly" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  assert {
    condition     = aws_lb_target_group.service.health_check[0].path == "/readyz" && aws_lb_target_group.service.deregistration_delay == "60"
    error_message = "Readiness decides, and requests in flight have time to end."
  }

  assert {
    condition     = aws_lb_target_group.service.health_check[0].interval * aws_lb_target_group.service.health_check[0].unhealthy_threshold >= 90
    error_message = "A failover of Aurora must not kill all tasks."
  }
}

run "an_idle_time_that_cuts_streams_is_refused" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  variables {
    idle_timeout_seconds = 15
  }

  expect_failures = [var.idle_timeout_seconds]
}

run "an_idle_time_longer_than_that_of_the_service_is_refused" {
  command = plan

  module {
    source = "./modules/load_balancer"
  }

  variables {
    idle_timeout_seconds = 75
  }

  expect_failures = [var.idle_timeout_seconds]
}

# One alarm for each thing that a person must do something about. The description says what.

locals {
  more = "GreaterThanThreshold"
  less = "LessThanThreshold"

  service = { ClusterName = var.cluster_name, ServiceName = var.service_name }
  worker  = { ClusterName = var.cluster_name, ServiceName = var.worker_name }
  targets = { LoadBalancer = var.load_balancer_dimension, TargetGroup = var.target_group_dimension }
  rows    = { DBClusterIdentifier = var.database_identifier }
  bedrock = { ModelId = var.chat_model_id }

  parts = {
    dead_letters      = ["urgent", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", { QueueName = var.dead_queue_name }, local.more, 0, 60, 1, "Documents were given up: see dead letters in the run book."]
    oldest_message    = ["notice", "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", { QueueName = var.queue_name }, local.more, 900, 60, 5, "Documents wait longer than 15 minutes: look at the worker's log, or raise its maximum."]
    unhealthy_targets = ["urgent", "AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", local.targets, local.more, 0, 60, 5, "A task is not ready: /readyz says why, and so does its log."]
    few_tasks         = ["urgent", "ECS/ContainerInsights", "RunningTaskCount", "Average", local.service, local.less, var.min_service_tasks, 60, 5, "Fewer tasks run than must: look at the events of the service."]
    no_worker         = ["urgent", "ECS/ContainerInsights", "RunningTaskCount", "Average", local.worker, local.less, 1, 60, 5, "No worker runs: nothing is ingested and the runs of dead instances do not end."]
    service_cpu       = ["notice", "AWS/ECS", "CPUUtilization", "Average", local.service, local.more, 85, 60, 15, "Scaling does not keep up: raise the maximum of tasks."]
    service_memory    = ["notice", "AWS/ECS", "MemoryUtilization", "Average", local.service, local.more, 85, 60, 15, "Scaling does not keep up: raise the maximum of tasks, or the memory of each."]
    database_capacity = ["urgent", "AWS/RDS", "ACUUtilization", "Maximum", local.rows, local.more, 90, 300, 3, "Aurora is at its limit: raise max_acu."]
    connections       = ["notice", "AWS/RDS", "DatabaseConnections", "Maximum", local.rows, local.more, var.max_connections, 300, 3, "Pools come close to max_connections: lower the pool or raise max_acu."]
    deadlocks         = ["notice", "AWS/RDS", "Deadlocks", "Sum", local.rows, local.more, 0, 300, 1, "Two transactions waited for each other: the log of Aurora names both."]
    replica_lag       = ["notice", "AWS/RDS", "AuroraReplicaLagMaximum", "Maximum", local.rows, local.more, 2000, 300, 3, "Readers are more than 2 s behind."]
    evictions         = ["notice", "AWS/ElastiCache", "Evictions", "Sum", { ReplicationGroupId = var.cache_id }, local.more, 0, 300, 3, "Valkey drops what has not expired: take a larger node."]
    cache_memory      = ["notice", "AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "Maximum", { ReplicationGroupId = var.cache_id }, local.more, 85, 300, 3, "Valkey fills up: take a larger node."]
    cache_cpu         = ["notice", "AWS/ElastiCache", "EngineCPUUtilization", "Maximum", { ReplicationGroupId = var.cache_id }, local.more, 80, 300, 3, "The one thread of Valkey is busy: take a larger node."]
    model_throttles   = ["notice", "AWS/Bedrock", "InvocationThrottles", "Sum", local.bedrock, local.more, 10, 300, 2, "Bedrock refuses calls: ask for a higher quota or add a second provider."]
    model_errors      = ["notice", "AWS/Bedrock", "InvocationServerErrors", "Sum", local.bedrock, local.more, 10, 300, 2, "Bedrock fails: the service goes on with its next provider, if it has one."]
    blocked_requests  = ["notice", "AWS/WAFV2", "BlockedRequests", "Sum", { WebACL = var.web_acl_name, Region = var.region, Rule = "ALL" }, local.more, 5000, 300, 2, "Many requests are refused at the door: an attack, or a rule that is wrong."]
  }
}

resource "aws_cloudwatch_metric_alarm" "part" {
  for_each = local.parts

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value[9]
  namespace           = each.value[1]
  metric_name         = each.value[2]
  statistic           = each.value[3]
  dimensions          = each.value[4]
  comparison_operator = each.value[5]
  threshold           = each.value[6]
  period              = each.value[7]
  evaluation_periods  = each.value[8]
  # A count of running tasks that is not there is no task.
  treat_missing_data = each.value[5] == local.less ? "breaching" : "notBreaching"
  alarm_actions      = [aws_sns_topic.this[each.value[0]].arn]
  ok_actions         = [aws_sns_topic.this[each.value[0]].arn]
}

# One page that tells, from the top down: what users see, what the service does, what it stands on.

locals {
  failed = var.levels.failed
  all    = var.levels.all

  rows = [
    [
      { title = "Requests and errors", stat = "Sum", metrics = [
        ["AWS/ApiGateway", "Count", "ApiName", var.api_name, "Stage", var.stage_name],
        ["AWS/ApiGateway", "5XXError", "ApiName", var.api_name, "Stage", var.stage_name],
        ["AWS/ApiGateway", "4XXError", "ApiName", var.api_name, "Stage", var.stage_name],
      ] },
      { title = "Time to the head of the response", stat = "p95", metrics = [
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer_dimension],
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer_dimension, { stat = "p50" }],
      ] },
      { title = "Refused at the door", stat = "Sum", metrics = [
        for rule in ["rate", "logins", "operator", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesAmazonIpReputationList"] :
        ["AWS/WAFV2", "BlockedRequests", "WebACL", var.web_acl_name, "Region", var.region, "Rule", rule]
      ] },
    ],
    [
      { title = "Answers", stat = "Sum", metrics = [for metric in [local.all, local.failed] : [metric.namespace, metric.metric]] },
      { title = "Model", stat = "Sum", metrics = [
        ["AWS/Bedrock", "Invocations", "ModelId", var.chat_model_id],
        ["AWS/Bedrock", "InvocationThrottles", "ModelId", var.chat_model_id],
        ["AWS/Bedrock", "InvocationServerErrors", "ModelId", var.chat_model_id],
      ] },
      { title = "Tokens", stat = "Sum", metrics = [
        ["AWS/Bedrock", "InputTokenCount", "ModelId", var.chat_model_id],
        ["AWS/Bedrock", "OutputTokenCount", "ModelId", var.chat_model_id],
      ] },
    ],
    [
      { title = "Tasks", stat = "Average", metrics = [
        ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.cluster_name, "ServiceName", var.service_name],
        ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.cluster_name, "ServiceName", var.worker_name],
      ] },
      { title = "Use of tasks", stat = "Average", metrics = [
        for pair in setproduct(["CPUUtilization", "MemoryUtilization"], [var.service_name, var.worker_name]) :
        ["AWS/ECS", pair[0], "ClusterName", var.cluster_name, "ServiceName", pair[1]]
      ] },
      { title = "Queue", stat = "Maximum", metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_name],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_name, { yAxis = "right" }],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_queue_name],
      ] },
    ],
    [
      { title = "Aurora: capacity", stat = "Average", metrics = [
        ["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", var.database_identifier],
        ["AWS/RDS", "ACUUtilization", "DBClusterIdentifier", var.database_identifier, { yAxis = "right" }],
      ] },
      { title = "Aurora: connections and lag", stat = "Maximum", metrics = [
        ["AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", var.database_identifier],
        ["AWS/RDS", "AuroraReplicaLagMaximum", "DBClusterIdentifier", var.database_identifier, { yAxis = "right" }],
      ] },
      { title = "Valkey", stat = "Maximum", metrics = [
        ["AWS/ElastiCache", "EngineCPUUtilization", "ReplicationGroupId", var.cache_id],
        ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "ReplicationGroupId", var.cache_id],
        ["AWS/ElastiCache", "Evictions", "ReplicationGroupId", var.cache_id, { yAxis = "right" }],
      ] },
    ],
  ]

  # Three beside each other, below the row of alarms.
  graphs = flatten([
    for y, row in local.rows : [
      for x, graph in row : {
        type   = "metric"
        x      = 8 * x
        y      = 3 + 6 * y
        width  = 8
        height = 6
        properties = {
          title   = graph.title
          region  = var.region
          period  = 60
          stat    = graph.stat
          metrics = graph.metrics
        }
      }
    ]
  ])

  alarms = [{
    type       = "alarm"
    x          = 0
    y          = 0
    width      = 24
    height     = 3
    properties = { title = "Alarms", alarms = var.alarm_arns }
  }]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = concat(local.alarms, local.graphs) })
}

# Every setting of the containers, and nowhere else. Names and meaning: seeds/handbook/configuration.md; checks compare the
# names with that page and hand the values to the program. Secrets that hold until a task ends are put into its environment by
# ECS; those that change while it runs, and what operators change in Parameter Store, the program reads itself.

locals {
  # One number for the lease of a document and for the time that SQS hides its message.
  lease_seconds = 120
  # The worker gives a document five attempts, and sets a message aside after four times as many deliveries.
  max_attempts = 5
  # SQS does so itself only where no worker did.
  max_receives = 6 * local.max_attempts

  # Answers go on for three quarters of the time that requests have; a worker also ends its documents.
  shutdown_ms          = 80000
  drain_ms             = 60000
  stop_timeout_seconds = 120

  health_command = ["/pidima", "healthcheck"]
  ca_file        = "/etc/pidima/rds-ca.pem"

  # What a worker needs itself, and each file that it has read by a process beside it, in MiB.
  worker_memory = 512
  parser_memory = 512

  database_options = "sslmode=verify-full&sslrootcert=${local.ca_file}"
  database_address = "${module.database.endpoint}:${local.database_port}/${module.database.database_name}?${local.database_options}"

  settings = {
    PIDIMA_DATABASE_POOL_SIZE = tostring(var.database.pool_size)

    PIDIMA_OBJECTS            = "s3"
    PIDIMA_OBJECTS_S3_BUCKET  = module.documents.name
    PIDIMA_QUEUE              = "sqs"
    PIDIMA_QUEUE_SQS_URL      = module.queue.url
    PIDIMA_QUEUE_SQS_DEAD_URL = module.queue.dead_url

    PIDIMA_INGESTION_LEASE_MS     = tostring(local.lease_seconds * 1000)
    PIDIMA_INGESTION_MAX_ATTEMPTS = tostring(local.max_attempts)

    PIDIMA_BEDROCK_MODEL             = module.models.chat_profile_arn
    PIDIMA_BEDROCK_REGION            = var.region
    PIDIMA_BEDROCK_GUARDRAIL_ID      = module.models.guardrail_id
    PIDIMA_BEDROCK_GUARDRAIL_VERSION = module.models.guardrail_version
    PIDIMA_EMBEDDING_PROVIDER        = "bedrock"
    PIDIMA_EMBEDDING_MODEL           = var.embedding_model
    PIDIMA_EMBEDDING_DIMENSIONS      = "1024"
    PIDIMA_EMBEDDING_REGION          = var.region

    PIDIMA_LOG_FORMAT = "json"
    # Lines beside those of the log, of which CloudWatch makes metrics by itself.
    PIDIMA_METRICS_EMF_SECONDS   = "60"
    PIDIMA_METRICS_EMF_NAMESPACE = "Pidima/${var.environment}"
    AWS_REGION                   = var.region
  }

  # Where a server that speaks OpenAI's API is set up beside Bedrock.
  openai_settings = var.openai == null ? {} : {
    PIDIMA_OPENAI_BASE_URL = var.openai.base_url
    PIDIMA_OPENAI_MODEL    = var.openai.model
  }

  # The collector in the same task. Which requests are traced is decided by the gateway with the sampling of X-Ray; this share is
  # of what begins in a task itself.
  trace_settings = !var.tracing ? {} : {
    PIDIMA_OTLP_ENDPOINT = "http://127.0.0.1:4318"
    PIDIMA_TRACE_RATIO   = tostring(var.sampling.rest)
  }

  service_settings = {
    PIDIMA_SERVICE_NAME = "pidima-service"

    PIDIMA_LISTEN     = "0.0.0.0:${local.service_port}"
    PIDIMA_PUBLIC_URL = local.public_url
    # API Gateway and the load balancer each append to X-Forwarded-For.
    PIDIMA_TRUSTED_PROXIES = "2"
    # API Gateway takes 10 MB of a request, the form around a file included.
    PIDIMA_MAX_UPLOAD_BYTES = "10000000"
    # A worker holds two files at once beside what it needs itself, and more for a moment while it reads them from the bucket.
    PIDIMA_LARGE_UPLOAD_MAX_BYTES = tostring(floor(local.worker_memory / 8) * 1048576)
    PIDIMA_SHUTDOWN_TIMEOUT_MS    = tostring(local.shutdown_ms)
    PIDIMA_RUN_DRAIN_MS           = tostring(local.drain_ms)
    PIDIMA_LIMIT_INSTANCES        = tostring(var.service.min_tasks)
    # A third of the load balancer's patience at most.
    PIDIMA_STREAM_HEARTBEAT_MS = "15000"

    PIDIMA_OIDC_PROVIDERS                 = "cognito"
    PIDIMA_OIDC_COGNITO_ISSUER            = module.identity.issuer
    PIDIMA_OIDC_COGNITO_CLIENT_ID         = module.identity.browser_client_id
    PIDIMA_OIDC_COGNITO_SWAGGER_CLIENT_ID = module.identity.browser_client_id
    PIDIMA_OIDC_COGNITO_AUDIENCES         = join(",", values(module.identity.machine_client_ids))
    PIDIMA_OIDC_COGNITO_GROUP_PREFIX      = "pidima:"
  }

  worker_settings = {
    PIDIMA_SERVICE_NAME = "pidima-worker"

    # As many files at once as fit into the memory that the collector leaves, two for each processor at most.
    PIDIMA_PARSER_PROCESSES    = tostring(max(1, min(floor((var.worker.memory - (var.tracing ? var.collector.memory : 0) - local.worker_memory) / local.parser_memory), ceil(var.worker.cpu / 512))))
    PIDIMA_PARSER_MEMORY_BYTES = tostring(local.parser_memory * 1048576)
  }

  # The administrator's password comes beside the address: RDS makes and changes it.
  migrate_settings = {
    PIDIMA_ADMIN_DATABASE_URL = "postgres://${module.database.administrator}@${local.database_address}"
    PIDIMA_LOG_FORMAT         = "json"
  }

  # Where the program reads itself, when it starts and each minute: secrets that are JSON objects of settings, and a path.
  outside_settings = {
    PIDIMA_SECRETS         = join(",", local.read_secret_arns)
    PIDIMA_PARAMETERS_PATH = module.parameters.path
  }

  # The first one holds DATABASE_URL, with the role that no row-level security is open to, and the password that the migrate
  # task gives to that role; the second one PIDIMA_OPENAI_API_KEY.
  read_secret_arns = concat(
    [module.secrets.arns["app-database"]],
    var.openai == null ? [] : [module.secrets.arns["openai-api-key"]],
  )

  # What operators change, by its first value.
  parameter_settings = {
    PIDIMA_MODEL_PROVIDERS = {
      description = "Providers of models in the order in which they are asked: bedrock, openai; takes effect at the next start"
      value       = var.openai == null ? "bedrock" : "bedrock,openai"
    }
    PIDIMA_LOG = {
      description = "What is logged, such as info,pidima=debug; takes effect at the next start"
      value       = "info,sqlx=warn"
    }
    "flags/uploads" = {
      description = "Whether documents are taken: on or off; takes effect within a minute"
      value       = "on"
    }
    "flags/questions" = {
      description = "Whether questions are answered: on or off; takes effect within a minute"
      value       = "on"
    }
    "flags/attachments" = {
      description = "Whether files are attached to sessions: on or off; takes effect within a minute"
      value       = "on"
    }
  }

  # Variable to secret.
  secret_settings = {
    PIDIMA_REDIS_URL = module.secrets.arns["redis-url"]
  }

  service_secret_settings = {
    PIDIMA_SIGNING_SECRET   = module.secrets.arns["signing-secret"]
    PIDIMA_PASSWORD_PEPPERS = module.secrets.arns["password-peppers"]
  }

  migrate_secret_settings = {
    PGPASSWORD          = "${module.database.administrator_secret_arn}:password::"
    PIDIMA_APP_PASSWORD = "${module.secrets.arns["app-database"]}:PIDIMA_APP_PASSWORD::"
  }
}

//! The composition root: settings in, every long-lived handle out. Nothing else makes a service.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::adapters::embeddings::minilm::{MiniLm, MiniLmFiles};
use crate::adapters::embeddings::{Embedder, EmbeddingError, Vector};
use crate::adapters::limits::{Limit, LimiterSettings, Quota, Quotas, RateLimiter};
use crate::adapters::models::{
    BedrockModel, BedrockSettings, ChatModel, ExtractiveModel, OpenAiModel, OpenAiSettings,
};
use crate::adapters::objects::{DirectoryObjects, Objects};
use crate::adapters::oidc::{OidcLimits, ProviderRegistry, ProviderSettings};
use crate::adapters::queue::Queue;
use crate::chat::{Chat, ChatSettings};
use crate::config::{
    AccountsConfig, ChatConfig, Config, EmbeddingsConfig, Env, IngestionConfig, LimitsConfig,
    OidcProviderConfig, ProviderName, RateConfig,
};
use crate::db::{Db, PoolSettings, PostgresQueue};
use crate::devservices::{MINILM_MODEL, MINILM_TOKENIZER, ONNXRUNTIME, PackageCache};
use crate::identity::{
    AccountSettings, Accounts, ArgonSettings, BrowserLoginSettings, BrowserLogins, PasswordRules,
    PasswordSettings, Passwords, Rate, Verifier, VerifierSettings, WidgetSigner,
};
use crate::knowledge::chunk::ChunkOptions;
use crate::knowledge::parse::ParseLimits;
use crate::knowledge::{IngestSettings, Ingestion, Receiver, Search, SearchSettings};
use crate::server::{PeopleSettings, ServerSettings, Services, openapi_document};
use crate::worker::{Worker, WorkerSettings};

/// Every long-lived handle of the process.
#[derive(Clone)]
pub struct App {
    /// What handlers call.
    pub services: Services,
    /// What jobs call.
    pub worker: Worker,
    /// What the server accepts.
    pub server: ServerSettings,
    /// Where documents' originals lie.
    pub objects: Arc<dyn Objects>,
}

/// Outside services that the tests replace.
#[derive(Clone)]
pub struct Outside {
    /// Embeds passages and questions.
    pub embedder: Arc<dyn Embedder>,
    /// Answers questions.
    pub model: Arc<dyn ChatModel>,
}

impl Outside {
    /// The services that the settings name. The embedding model is fetched when it is not there yet.
    ///
    /// # Errors
    /// The model cannot be fetched or loaded.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            embedder: embedder(&config.embeddings).await?,
            model: chat_model(&config.chat).await?,
        })
    }
}

impl App {
    /// Builds the application.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub fn build(config: &Config, outside: Outside) -> anyhow::Result<Self> {
        let db = Db::open(&PoolSettings {
            url: config.database.url.clone(),
            max_connections: config.database.pool_size,
            acquire_timeout: config.database.acquire_timeout,
        })
        .context("DATABASE_URL is no connection string")?;
        let tasks = TaskTracker::new();
        let providers = config.identity.oidc_providers.iter().map(provider_settings).collect();
        let providers = ProviderRegistry::new(providers, OidcLimits::default(), tasks.clone())?;
        let work_waits = Arc::new(Notify::new());
        let objects: Arc<dyn Objects> =
            Arc::new(DirectoryObjects::new(config.objects.directory.clone()));
        let queue: Arc<dyn Queue> = Arc::new(PostgresQueue::new(db.clone()));
        let search = Search::new(
            db.clone(),
            Arc::clone(&outside.embedder),
            SearchSettings {
                candidates: config.search.candidates,
                lexical_weight: config.search.lexical_weight,
            },
        );
        let chat = Chat::new(
            db.clone(),
            search.clone(),
            outside.model,
            ChatSettings {
                passages: config.chat.passages,
                history_messages: config.chat.history_messages,
                max_output_tokens: config.chat.max_output_tokens,
            },
            tasks.clone(),
        );
        let ingestion = Ingestion::new(
            db.clone(),
            Arc::clone(&objects),
            outside.embedder,
            ingest_settings(&config.ingestion),
        );
        let worker = Worker {
            db: db.clone(),
            queue,
            ingestion,
            work_waits: Arc::clone(&work_waits),
            settings: WorkerSettings {
                concurrency: config.ingestion.concurrency,
                visibility: config.ingestion.lease,
                poll: config.ingestion.poll,
                max_receives: config.ingestion.max_attempts * 4,
            },
        };
        let signer = config.keys.signing_secret.clone().map(WidgetSigner::new);
        let verifier = Verifier::new(
            db.clone(),
            tasks.clone(),
            VerifierSettings { browser_session_idle: config.identity.browser_session_idle },
        )
        .with_providers(providers.clone())
        .with_signer(signer.clone());
        let services = Services {
            people: people_settings(config),
            accounts: accounts(config, &db, &verifier, &tasks),
            browser_logins: browser_logins(config, &db, &providers),
            verifier,
            signer,
            max_api_keys: config.keys.max_api_keys,
            receiver: Receiver::new(db.clone(), Arc::clone(&objects), work_waits),
            providers,
            db,
            search,
            chat,
            limiter: RateLimiter::new(limiter_settings(&config.limits))
                .context("PIDIMA_REDIS_URL")?,
            readiness: crate::server::Readiness::default(),
            tasks,
        };
        Ok(Self { services, worker, server: server_settings(config), objects })
    }

    /// Waits for tasks that outlive their requests, then closes the database.
    pub async fn close(&self) {
        self.services.tasks.close();
        self.services.tasks.wait().await;
        self.services.db.close().await;
    }
}

/// The OpenAPI document as text: made from types alone, so that it needs neither database nor model.
/// The pool that is never used wants a Tokio runtime to be there.
///
/// # Errors
/// Two operations or types have one name.
pub fn openapi_text() -> anyhow::Result<String> {
    let env = Env::from_pairs([("DATABASE_URL", "postgres://nobody@localhost/nothing")]);
    let config = Config::from_env(&env)?;
    let outside = Outside { embedder: Arc::new(NoEmbedder), model: Arc::new(ExtractiveModel) };
    let app = App::build(&config, outside)?;
    let document = openapi_document(&app.services)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

/// Stands where an embedder must and nothing is ever embedded: while the OpenAPI document is made.
struct NoEmbedder;

impl NoEmbedder {
    fn error() -> EmbeddingError {
        EmbeddingError::Unavailable {
            model: "none".to_owned(),
            reason: "there is no embedding model here".to_owned(),
        }
    }
}

#[async_trait]
impl Embedder for NoEmbedder {
    fn model(&self) -> &'static str {
        "none"
    }

    fn dimensions(&self) -> usize {
        0
    }

    fn count_tokens(&self, _text: &str) -> usize {
        0
    }

    async fn embed_query(&self, _text: &str) -> Result<Vector, EmbeddingError> {
        Err(Self::error())
    }

    async fn embed_passages(
        &self,
        _passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        Err(Self::error())
    }
}

fn provider_settings(config: &OidcProviderConfig) -> ProviderSettings {
    ProviderSettings {
        name: config.name.clone(),
        issuer: config.issuer.clone(),
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.clone(),
        audiences: config.audiences.clone(),
        discovery_url: config.discovery_url.clone(),
        jwks_uri: config.jwks_uri.clone(),
        authorization_endpoint: config.authorization_endpoint.clone(),
        token_endpoint: config.token_endpoint.clone(),
        end_session_endpoint: config.end_session_endpoint.clone(),
        scopes: config.scopes.clone(),
        tenant_claim: config.tenant_claim.clone(),
        groups_claim: config.groups_claim.clone(),
        group_prefix: config.group_prefix.clone(),
        swagger_client_id: config.swagger_client_id.clone(),
    }
}

fn browser_logins(config: &Config, db: &Db, providers: &ProviderRegistry) -> BrowserLogins {
    let settings = BrowserLoginSettings {
        public_url: config.http.public_url.clone(),
        session_lifetime: config.identity.browser_session_lifetime,
        max_pending: i64::from(config.identity.max_pending_logins),
    };
    BrowserLogins::new(db.clone(), providers.clone(), settings)
}

fn accounts(config: &Config, db: &Db, verifier: &Verifier, tasks: &TaskTracker) -> Accounts {
    let settings = AccountSettings {
        address: Rate {
            burst: config.accounts.login_address_burst,
            interval: config.accounts.login_address_interval,
        },
        account: Rate {
            burst: config.accounts.login_account_burst,
            interval: config.accounts.login_account_interval,
        },
        change: Rate {
            burst: config.accounts.password_change_burst,
            interval: config.accounts.password_change_interval,
        },
        session_lifetime: config.identity.browser_session_lifetime,
    };
    let passwords = passwords(&config.accounts);
    Accounts::new(db.clone(), verifier.clone(), passwords, tasks.clone(), &settings)
}

/// What hashes passwords: also for the commands that make accounts without a server.
pub fn passwords(config: &AccountsConfig) -> Passwords {
    Passwords::new(&PasswordSettings {
        argon: ArgonSettings {
            memory_kib: config.argon2_memory_kib,
            iterations: config.argon2_iterations,
            lanes: config.argon2_lanes,
        },
        threads: config.password_threads,
        queue: config.password_queue,
        rules: PasswordRules {
            min_chars: config.password_min_chars,
            max_bytes: config.password_max_bytes,
        },
    })
}

fn server_settings(config: &Config) -> ServerSettings {
    ServerSettings {
        public_url: config.http.public_url.clone(),
        trusted_proxies: config.http.trusted_proxies,
        hsts_seconds: config.http.hsts_seconds,
        max_upload_bytes: config.http.max_upload_bytes,
        max_body_bytes: config.http.max_body_bytes,
        max_question_chars: config.http.max_question_chars,
        max_json_depth: config.http.max_json_depth,
        request_timeout: config.http.request_timeout,
        upload_timeout: config.http.upload_timeout,
        shutdown_timeout: config.http.shutdown_timeout,
    }
}

fn people_settings(config: &Config) -> PeopleSettings {
    let providers = config.identity.oidc_providers.iter();
    PeopleSettings {
        public_url: config.http.public_url.clone(),
        max_open_invitations: config.identity.max_open_invitations,
        login_providers: providers.map(|provider| provider.name.clone()).collect(),
    }
}

fn limiter_settings(config: &LimitsConfig) -> LimiterSettings {
    let quota = |limit: Limit| {
        let RateConfig { per_minute, burst } = match limit {
            Limit::Address => config.address_rate,
            Limit::Tenant => config.tenant_rate,
            Limit::Public => config.public_rate,
            Limit::Caller => config.caller_rate,
            Limit::Login => config.login_rate,
            Limit::PasswordHashing => config.password_hashing_rate,
            Limit::Upload => config.upload_rate,
            Limit::Ask => config.ask_rate,
            Limit::PublicAsk => config.public_ask_rate,
            Limit::Search => config.search_rate,
            Limit::Export => config.export_rate,
        };
        Quota { per_minute, burst }
    };
    LimiterSettings {
        quotas: Quotas::new(quota),
        redis_url: config.redis_url.clone(),
        redis_timeout: config.redis_timeout,
        instances: config.limit_instances,
    }
}

fn ingest_settings(config: &IngestionConfig) -> IngestSettings {
    IngestSettings {
        parse: ParseLimits {
            max_text_chars: config.max_text_chars,
            max_nesting: config.max_nesting,
            ..ParseLimits::default()
        },
        chunk: ChunkOptions::default(),
        max_chunks: config.max_chunks,
        max_attempts: config.max_attempts,
        lease: config.lease,
    }
}

async fn embedder(config: &EmbeddingsConfig) -> anyhow::Result<Arc<dyn Embedder>> {
    let cache = match &config.cache_dir {
        Some(directory) => PackageCache::at(directory),
        None => PackageCache::locate()?,
    };
    let files = MiniLmFiles {
        runtime_library: cache.ensure(&ONNXRUNTIME).await?,
        model: cache.ensure(&MINILM_MODEL).await?,
        tokenizer: cache.ensure(&MINILM_TOKENIZER).await?,
    };
    let threads = config.threads;
    let model = tokio::task::spawn_blocking(move || MiniLm::load(&files, threads)).await??;
    Ok(Arc::new(model))
}

async fn chat_model(config: &ChatConfig) -> anyhow::Result<Arc<dyn ChatModel>> {
    let times = config.times;
    Ok(match (config.provider, &config.openai, &config.bedrock) {
        (ProviderName::OpenAi, Some(openai), _) => Arc::new(OpenAiModel::new(OpenAiSettings {
            api_key: openai.api_key.clone(),
            first_token_timeout: times.first_token_timeout,
            next_token_timeout: times.next_token_timeout,
            total_timeout: times.total_timeout,
            ..OpenAiSettings::new(&openai.base_url, &openai.model)
        })?),
        (ProviderName::Bedrock, _, Some(bedrock)) => {
            let settings = BedrockSettings {
                guardrail: bedrock.guardrail.clone(),
                first_token_timeout: times.first_token_timeout,
                next_token_timeout: times.next_token_timeout,
                total_timeout: times.total_timeout,
                ..BedrockSettings::new(&bedrock.model)
            };
            Arc::new(BedrockModel::connect(settings).await)
        }
        _ => Arc::new(ExtractiveModel),
    })
}

//! The composition root: settings in, every long-lived handle out. Nothing else makes a service.

mod document;
mod models;
mod renewal;
mod settings;
mod sources;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::document::openapi_text;
pub use self::renewal::Renewal;
pub use self::sources::Sources;
use crate::adapters::cache::{CacheSettings, LocalCache, RedisCache};
use crate::adapters::embeddings::Embedder;
use crate::adapters::limits::RateLimiter;
use crate::adapters::models::ModelRegistry;
use crate::adapters::objects::Objects;
use crate::adapters::oidc::{OidcLimits, ProviderRegistry};
use crate::adapters::outbound::Outbound;
use crate::adapters::redis::Redis;
use crate::adapters::streams::{EventStreams, LocalStreams, RedisStreams, StreamSettings};
use crate::chat::assistants::{AssistantLimits, Defaults};
use crate::chat::{Chat, ChatSettings, HotContexts};
use crate::config::{
    AccountsConfig, AwsConfig, Config, DatabaseConfig, MetricsConfig, RedisConfig,
};
use crate::db::{Db, PoolSettings};
use crate::enrichment::Enrichment;
use crate::governance::Flags;
use crate::identity::{
    AccountSettings, Accounts, ArgonSettings, BrowserLoginSettings, BrowserLogins, PasswordRules,
    PasswordSettings, Passwords, Peppers, Rate, Verifier, VerifierSettings, WidgetSigner,
};
use crate::knowledge::{
    Dumps, Embedders, Ingestion, JobWatch, PartSigner, Receiver, Reembeddings, Search,
    SearchSettings, Uploads,
};
use crate::server::{Readiness, ServerSettings, Services};
use crate::sources::SourceSync;
use crate::webhooks::{WebhookSigner, Webhooks};
use crate::worker::Worker;

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
    /// What speaks to addresses of tenants.
    pub outbound: Outbound,
    /// What embeds passages and questions, with each model.
    pub embedders: Embedders,
    /// What answers, by name.
    pub models: ModelRegistry,
    /// Who may read metrics, and where.
    pub metrics: MetricsConfig,
    /// How often the table of models is read again.
    models_refresh: Duration,
    /// What the operator has switched off.
    flags: Flags,
}

/// Outside services that the tests replace.
#[derive(Clone)]
pub struct Outside {
    /// Embeds passages and questions.
    pub embedder: Arc<dyn Embedder>,
    /// Answer questions.
    pub models: ModelRegistry,
}

/// Embedding models beside the database's own, which the settings name.
///
/// # Errors
/// A model cannot be fetched or loaded.
pub async fn more_embedders(config: &Config) -> anyhow::Result<Vec<Arc<dyn Embedder>>> {
    models::more_embedders(&config.embeddings, &storage::aws(&config.aws)).await
}

impl Outside {
    /// The services that the settings name. The embedding model is fetched when it is not there yet.
    ///
    /// # Errors
    /// The model cannot be fetched or loaded.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        let aws = storage::aws(&config.aws);
        Ok(Self {
            embedder: models::embedder(&config.embeddings, &aws).await?,
            models: models::registry(&config.chat, &aws).await?,
        })
    }
}

/// Replaces the connection string of the database by one with a password, where passwords are signed. Such a one is good for
/// some minutes; see [`App::follow_settings`].
///
/// # Errors
/// Nothing could be signed.
pub async fn sign_in(database: &mut DatabaseConfig, aws: &AwsConfig) -> anyhow::Result<()> {
    database.url = storage::database_url(database, &storage::aws(aws)).await?;
    Ok(())
}

impl App {
    /// Builds the application of the settings, with everything outside that they name.
    ///
    /// # Errors
    /// A model cannot be fetched or loaded, or a setting cannot be used.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        let outside = Box::pin(Outside::connect(config)).await?;
        let more = Box::pin(more_embedders(config)).await?;
        Self::build_with(config, outside, more)
    }

    /// Builds the application.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub fn build(config: &Config, outside: Outside) -> anyhow::Result<Self> {
        Self::build_with(config, outside, Vec::new())
    }

    /// The same with more embedding models, for collections to be re-embedded with.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub fn build_with(
        config: &Config,
        outside: Outside,
        more: Vec<Arc<dyn Embedder>>,
    ) -> anyhow::Result<Self> {
        let embedders = Embedders::with(Arc::clone(&outside.embedder), more)
            .context("PIDIMA_EMBEDDING_MORE")?;
        let aws = storage::aws(&config.aws);
        let redis = redis(&config.redis)?.map(|it| storage::signed_in(it, &config.redis, &aws));
        let db = Db::open(&PoolSettings {
            url: config.database.url.clone(),
            max_connections: config.database.pool_size,
            acquire_timeout: config.database.acquire_timeout,
        })
        .context("DATABASE_URL is no connection string")?;
        let tasks = TaskTracker::new();
        let providers = config.identity.oidc_providers.iter().map(settings::provider).collect();
        let providers = ProviderRegistry::new(providers, OidcLimits::default(), tasks.clone())?;
        let work_waits = Arc::new(Notify::new());
        let outbound = settings::outbound(&config.outbound)?;
        let flags = Flags::default();
        let objects = storage::objects(&config.objects, &aws);
        let queue = storage::queue(config, &aws, &db);
        let readiness = Readiness::new(Arc::clone(&objects), Arc::clone(&queue));
        let search = Search::new(
            db.clone(),
            Arc::clone(&outside.embedder),
            SearchSettings {
                candidates: config.search.candidates,
                lexical_weight: config.search.lexical_weight,
            },
        )
        .with_embedders(embedders.clone());
        let models = outside.models;
        let streams = streams(&config.redis, redis.as_ref());
        let assistants = AssistantLimits {
            max_assistants: config.chat.max_assistants,
            providers: models.names().into_iter().map(str::to_owned).collect(),
        };
        let chat = Chat::new(
            db.clone(),
            search.clone(),
            models.clone(),
            ChatSettings {
                defaults: Defaults {
                    passages: config.chat.passages,
                    max_output_tokens: config.chat.max_output_tokens,
                    history_tokens: config.chat.history_tokens,
                    min_evidence: config.chat.min_evidence,
                },
                history_messages: config.chat.history_messages,
                context_tokens: config.chat.context_tokens,
                filter: settings::filter(&config.chat)?,
                runs: settings::runs(config),
            },
            // One instance alone tells its readers itself.
            redis.is_some().then(|| Arc::clone(&streams)),
            hot_contexts(&config.redis, redis.as_ref()),
            tasks.clone(),
        )
        .with_flags(flags.clone());
        let ingestion = Ingestion::new(
            db.clone(),
            Arc::clone(&objects),
            Arc::clone(&outside.embedder),
            settings::ingestion(config),
        )
        .with_embedders(embedders.clone());
        let reembeddings =
            Reembeddings::new(db.clone(), embedders.clone(), settings::reembedding(config));
        let webhooks = Webhooks::new(
            db.clone(),
            outbound.clone(),
            config.keys.signing_secret.clone().map(WebhookSigner::new),
            settings::webhooks(config),
        );
        let receiver = Receiver::new(db.clone(), Arc::clone(&objects), Arc::clone(&work_waits))
            .with_flags(flags.clone());
        let uploads = Uploads::new(
            receiver.clone(),
            settings::uploads(config),
            config.keys.signing_secret.clone().map(PartSigner::new),
        );
        let dumps = Dumps::new(receiver.clone(), embedders.clone(), settings::dumps(config));
        let sources = SourceSync::new(
            db.clone(),
            receiver.clone(),
            settings::source_means(config, &aws)?,
            settings::sources(config),
        );
        let enrichment = Enrichment::new(
            db.clone(),
            models.clone(),
            embedders.clone(),
            settings::enrichment(config),
        );
        let worker = Worker {
            db: db.clone(),
            queue: Arc::clone(&queue),
            ingestion,
            chat: chat.clone(),
            sources: sources.clone(),
            enrichment,
            webhooks: webhooks.clone(),
            reembeddings: reembeddings.clone(),
            uploads: uploads.clone(),
            dumps: dumps.clone(),
            work_waits: Arc::clone(&work_waits),
            settings: settings::worker(&config.ingestion),
        };
        let signer = config.keys.signing_secret.clone().map(WidgetSigner::new);
        let verifier = Verifier::new(
            db.clone(),
            tasks.clone(),
            VerifierSettings { browser_session_idle: config.identity.browser_session_idle },
        )
        .with_providers(providers.clone())
        .with_signer(signer.clone());
        let leaving = CancellationToken::new();
        let services = Services {
            queue,
            job_watch: JobWatch::new(db.clone(), settings::watch(config), leaving.clone()),
            leaving,
            people: settings::people(config),
            accounts: accounts(config, &db, &verifier, &tasks, redis.clone()),
            browser_logins: browser_logins(config, &db, &providers),
            verifier,
            signer,
            max_api_keys: config.keys.max_api_keys,
            max_quotas: config.limits.max_quotas,
            receiver,
            attachments: settings::attachments(config),
            reembeddings,
            uploads,
            dumps,
            sources,
            webhooks,
            work_waits,
            providers,
            db,
            search,
            chat,
            streams,
            limiter: RateLimiter::new(settings::limiter(&config.limits, redis)),
            assistants,
            readiness,
            tasks,
        };
        let (server, models_refresh) = (settings::server(config), config.chat.catalogue_refresh);
        let app = Self {
            services,
            worker,
            server,
            objects,
            outbound,
            embedders,
            models,
            metrics: config.metrics.clone(),
            models_refresh,
            flags,
        };
        app.switch(config.flags);
        Ok(app)
    }

    /// Reads what is known of models, at once and then again and again: the operator changes it while the service runs.
    pub async fn follow_models(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.read_models().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "reading the table of models"
                );
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.models_refresh) => {}
            }
        }
    }

    async fn read_models(&self) -> crate::db::Result<()> {
        let cards = self.services.db.system().await?.list_model_cards().await?;
        self.models.cards().replace(cards);
        Ok(())
    }

    /// Waits for tasks that outlive their requests, then closes the database.
    pub async fn close(&self) {
        self.services.tasks.close();
        self.services.tasks.wait().await;
        self.services.db.close().await;
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

fn accounts(
    config: &Config,
    db: &Db,
    verifier: &Verifier,
    tasks: &TaskTracker,
    redis: Option<Redis>,
) -> Accounts {
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
    Accounts::new(db.clone(), verifier.clone(), passwords, tasks.clone(), redis, &settings)
}

/// What hashes passwords: also for the commands that make accounts without a server.
pub fn passwords(config: &AccountsConfig) -> Passwords {
    Passwords::new(&PasswordSettings {
        argon: ArgonSettings {
            memory_kib: config.argon2_memory_kib,
            iterations: config.argon2_iterations,
            lanes: config.argon2_lanes,
        },
        peppers: Peppers::new(config.password_peppers.clone()),
        threads: config.password_threads,
        queue: config.password_queue,
        rules: PasswordRules {
            min_chars: config.password_min_chars,
            max_bytes: config.password_max_bytes,
        },
    })
}

/// The server that all instances share.
fn redis(config: &RedisConfig) -> anyhow::Result<Option<Redis>> {
    let Some(url) = &config.url else { return Ok(None) };
    let Some(file) = &config.authorities else {
        return Ok(Some(Redis::new(url, config.timeout).context("PIDIMA_REDIS_URL")?));
    };
    let variable = "PIDIMA_REDIS_CA_FILE";
    let authorities = std::fs::read(file)
        .with_context(|| format!("{variable}: {} can not be read", file.display()))?;
    Ok(Some(Redis::trusting(url, authorities, config.timeout).context(variable)?))
}

fn hot_contexts(config: &RedisConfig, redis: Option<&Redis>) -> HotContexts {
    let settings = CacheSettings {
        ttl: config.hot_context_ttl,
        max_value_bytes: config.hot_context_max_bytes,
        max_bytes: config.hot_context_memory,
    };
    HotContexts::new(match redis {
        Some(redis) => Arc::new(RedisCache::new(redis.clone(), settings)),
        None => Arc::new(LocalCache::new(settings)),
    })
}

fn streams(config: &RedisConfig, redis: Option<&Redis>) -> Arc<dyn EventStreams> {
    let settings = StreamSettings { max_events: config.stream_max_events, ttl: config.stream_ttl };
    match redis {
        Some(redis) => Arc::new(RedisStreams::new(redis.clone(), settings)),
        None => Arc::new(LocalStreams::new(settings)),
    }
}

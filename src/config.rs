//! Settings: one struct per concern, read at start from all sources, and again while the service runs for the few that may
//! change.
//!
//! All faults are told at once. Only `app.rs` and the commands see [`Config`]; everyone else is handed the values needed.

mod accounts;
mod attachments;
mod aws;
mod dumps;
mod embeddings;
mod enrichment;
mod env;
mod flags;
mod http;
mod identity;
mod ingestion;
mod keys;
mod limits;
mod models;
mod outbound;
mod parser;
mod queue;
mod redis;
mod reembedding;
mod runs;
mod search;
mod sources;
mod storage;
mod syncing;
mod telemetry;
mod uploads;
mod webhooks;

use std::time::Duration;

pub use accounts::AccountsConfig;
pub use attachments::AttachmentsConfig;
pub use aws::AwsConfig;
pub use dumps::DumpsConfig;
pub use embeddings::{
    EmbeddingProvider, EmbeddingsConfig, MoreEmbeddingsConfig, RemoteEmbeddingsConfig,
};
pub use enrichment::EnrichmentConfig;
pub use env::{ConfigError, Env, Given, Origin};
pub use flags::FlagsConfig;
pub use http::HttpConfig;
pub use identity::{IdentityConfig, OidcProviderConfig};
pub use ingestion::IngestionConfig;
pub use keys::KeysConfig;
pub use limits::{LimitsConfig, RateConfig};
pub use models::{
    BedrockConfig, ChatConfig, FailoverConfig, ModelTimes, OpenAiConfig, ProviderConfig,
    ProviderKind, ServerName,
};
pub use outbound::OutboundConfig;
pub use parser::ParserConfig;
pub use queue::{QueueConfig, QueueKind, SqsConfig};
pub use redis::RedisConfig;
pub use reembedding::ReembeddingConfig;
pub use runs::RunsConfig;
pub use search::SearchConfig;
pub use sources::SourcesConfig;
pub use storage::{DatabaseConfig, ObjectStore, ObjectsConfig, S3Config, SignInKind};
pub use syncing::SyncingConfig;
pub use telemetry::{LogFormat, MetricsConfig, TelemetryConfig};
pub use uploads::UploadsConfig;
pub use webhooks::WebhooksConfig;

/// Every setting of the process.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub database: DatabaseConfig,
    /// Where originals of documents lie.
    pub objects: ObjectsConfig,
    /// The queue of work.
    pub queue: QueueConfig,
    /// What services of AWS share.
    pub aws: AwsConfig,
    /// The HTTP server.
    pub http: HttpConfig,
    /// Logins of people.
    pub identity: IdentityConfig,
    /// Passwords of local accounts.
    pub accounts: AccountsConfig,
    /// API keys and widget tokens.
    pub keys: KeysConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// Redis, and the events of runs.
    pub redis: RedisConfig,
    /// Reading documents.
    pub ingestion: IngestionConfig,
    /// Files of a conversation.
    pub attachments: AttachmentsConfig,
    /// Large files that are sent in parts.
    pub uploads: UploadsConfig,
    /// Dumps of collections.
    pub dumps: DumpsConfig,
    /// Requests to addresses of tenants.
    pub outbound: OutboundConfig,
    /// Telling addresses of tenants of events.
    pub webhooks: WebhooksConfig,
    /// Sources of documents.
    pub syncing: SyncingConfig,
    /// Reading one file.
    pub parser: ParserConfig,
    /// Embedding passages and questions.
    pub embeddings: EmbeddingsConfig,
    /// Changing the embedding model of a collection.
    pub reembedding: ReembeddingConfig,
    /// Finding passages.
    pub search: SearchConfig,
    /// Answering questions.
    pub chat: ChatConfig,
    /// Writing about documents.
    pub enrichment: EnrichmentConfig,
    /// Keeping answers while they are made.
    pub runs: RunsConfig,
    /// What is switched off and on.
    pub flags: FlagsConfig,
    /// Where settings come from besides.
    pub sources: SourcesConfig,
    /// Metrics.
    pub metrics: MetricsConfig,
}

/// Longest time between two passwords that are signed, each of which is good for 15 minutes.
const SIGNED_REFRESH: Duration = Duration::from_secs(600);

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All faults together, each naming its variable and the remedy.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let config = Self::read(env);
        env.refuse_unknown();
        env.finish()?;
        Ok(config)
    }

    /// The same while the service runs: names that are known to nobody may be those of the next version.
    ///
    /// # Errors
    /// As above.
    pub fn again_from_env(env: &Env) -> Result<Self, ConfigError> {
        let config = Self::read(env);
        env.finish()?;
        Ok(config)
    }

    fn read(env: &Env) -> Self {
        // Read elsewhere, and known all the same.
        TelemetryConfig::from_env(env);
        let config = Self {
            database: DatabaseConfig::from_env(env),
            objects: ObjectsConfig::from_env(env),
            queue: QueueConfig::from_env(env),
            aws: AwsConfig::from_env(env),
            http: HttpConfig::from_env(env),
            attachments: AttachmentsConfig::from_env(env),
            identity: IdentityConfig::from_env(env),
            accounts: AccountsConfig::from_env(env),
            keys: KeysConfig::from_env(env),
            limits: LimitsConfig::from_env(env),
            redis: RedisConfig::from_env(env),
            ingestion: IngestionConfig::from_env(env),
            uploads: UploadsConfig::from_env(env),
            dumps: DumpsConfig::from_env(env),
            outbound: OutboundConfig::from_env(env),
            webhooks: WebhooksConfig::from_env(env),
            syncing: SyncingConfig::from_env(env),
            parser: ParserConfig::from_env(env),
            embeddings: EmbeddingsConfig::from_env(env),
            reembedding: ReembeddingConfig::from_env(env),
            search: SearchConfig::from_env(env),
            chat: ChatConfig::from_env(env),
            enrichment: EnrichmentConfig::from_env(env),
            runs: RunsConfig::from_env(env),
            flags: FlagsConfig::from_env(env),
            sources: SourcesConfig::from_env(env),
            metrics: MetricsConfig::from_env(env),
        };
        config.enrichment.check_providers(env, &config.chat.providers);
        let is_signed = config.database.sign_in == SignInKind::Iam;
        if is_signed && config.sources.refresh > SIGNED_REFRESH {
            env.fault(format!(
                "PIDIMA_SETTINGS_REFRESH_MS is too long for PIDIMA_DATABASE_AUTH=iam, whose passwords are renewed with the settings and are good for 15 minutes: give {} at most",
                SIGNED_REFRESH.as_millis()
            ));
        }
        config
    }

    /// Takes over the keys of models that are others in newer settings, where they go to the same server as before: whoever
    /// sends one asks for it each time. A key that is gone stays, since without any the requests would be refused. False when
    /// the server of one is another.
    pub fn take_keys_of(&self, newer: &Self) -> bool {
        let mut are_taken = self.embeddings.take_keys_of(&newer.embeddings);
        for provider in &self.chat.providers {
            let same = newer.chat.providers.iter().find(|it| it.name == provider.name);
            are_taken &= same.is_some_and(|newer| provider.take_key_of(newer));
        }
        are_taken
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn config(chat: &str, embedding: &str, key: &str) -> Config {
        let pairs = [
            ("DATABASE_URL", "postgres://pidima_app@127.0.0.1/pidima"),
            ("PIDIMA_MODEL_PROVIDER", "openai"),
            ("PIDIMA_OPENAI_BASE_URL", chat),
            ("PIDIMA_OPENAI_MODEL", "m"),
            ("PIDIMA_OPENAI_API_KEY", key),
            ("PIDIMA_EMBEDDING_PROVIDER", "openai"),
            ("PIDIMA_EMBEDDING_BASE_URL", embedding),
            ("PIDIMA_EMBEDDING_MODEL", "m"),
            ("PIDIMA_EMBEDDING_API_KEY", key),
        ];
        Config::from_env(&Env::from_pairs(pairs)).expect("settings")
    }

    fn keys(config: &Config) -> [String; 2] {
        let ProviderKind::OpenAi(openai) = &config.chat.providers[0].kind else { panic!("openai") };
        [&openai.api_key, &config.embeddings.remote.api_key]
            .map(|key| key.get().expect("a key").expose_secret().to_owned())
    }

    #[test]
    fn a_key_goes_to_no_other_server_than_that_it_was_given_for() {
        let (one, two) = ("https://one.example/v1", "https://two.example/v1");
        let own = config(one, one, "old");
        assert!(!own.take_keys_of(&config(two, two, "new")));
        assert_eq!(keys(&own), ["old", "old"]);
        assert!(!own.take_keys_of(&config(one, two, "new")));
        assert_eq!(keys(&own), ["new", "old"]);
        assert!(own.take_keys_of(&config(one, one, "newer")));
        assert_eq!(keys(&own), ["newer", "newer"]);
    }
}

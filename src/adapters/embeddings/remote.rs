//! Embedding models behind a network: batches, a bounded number of requests at once, retries, and a hard look at what comes
//! back. What a provider speaks is one file below.
//!
//! These models have no tokenizer here. Texts are cut into windows by their length in bytes, well below what the model reads,
//! so that none is cut short by the provider; tokens are counted by the rule of [`tokens::estimate`].

mod bedrock;
mod check;
mod openai;
mod windows;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};

pub use bedrock::{BedrockEmbeddings, BedrockFamily};
pub use openai::OpenAiEmbeddings;

use super::{Embedder, EmbeddingError, Vector};
use crate::adapters::models::failover::RetrySettings;
use crate::adapters::models::{ModelError, tokens};

/// What a text is embedded for: some models make other vectors for questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be found.
    Passage,
    /// To find.
    Question,
}

/// One request to a provider.
#[async_trait]
pub trait EmbeddingCalls: Send + Sync + 'static {
    /// Name stored with each vector; its dimensions are added to it.
    fn model(&self) -> &str;

    /// Texts in one request at most.
    fn batch(&self) -> usize;

    /// Bytes of a text that the model surely reads whole.
    fn window_bytes(&self) -> usize;

    /// One vector for each text, in their order. What comes is checked by the caller.
    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// How a provider is asked.
#[derive(Debug, Clone, Copy)]
pub struct RemoteSettings {
    /// Numbers in each vector.
    pub dimensions: usize,
    /// Texts in one request, at most; the provider's own bound holds too.
    pub batch: usize,
    /// Requests at once.
    pub concurrency: usize,
    /// For one request.
    pub timeout: Duration,
    /// How a failed request is repeated.
    pub retry: RetrySettings,
}

/// An embedding model behind a network.
pub struct RemoteEmbedder<C> {
    calls: C,
    settings: RemoteSettings,
    id: String,
}

impl<C: EmbeddingCalls> RemoteEmbedder<C> {
    /// An embedder that asks by `calls`.
    pub fn new(calls: C, settings: RemoteSettings) -> Self {
        let id = format!("{}@{}", calls.model(), settings.dimensions);
        Self { calls, settings, id }
    }

    /// Vectors of texts that fit into a window, in their order.
    async fn embed_all(
        &self,
        texts: &[String],
        purpose: Purpose,
    ) -> Result<Vec<Vector>, EmbeddingError> {
        let batch = self.settings.batch.min(self.calls.batch()).max(1);
        let batches: Vec<Vec<String>> = texts.chunks(batch).map(<[String]>::to_vec).collect();
        let requests = batches.into_iter().map(|texts| self.request(texts, purpose));
        let answers = stream::iter(requests).buffered(self.settings.concurrency.max(1));
        let answers: Vec<Vec<Vector>> = answers.try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn request(
        &self,
        texts: Vec<String>,
        purpose: Purpose,
    ) -> Result<Vec<Vector>, EmbeddingError> {
        let vectors = self.ask(&texts, purpose).await.map_err(|error| self.failed(error))?;
        check::vectors(vectors, texts.len(), self.settings.dimensions)
            .map_err(|reason| EmbeddingError::Output { model: self.id.clone(), reason })
    }

    async fn ask(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vector>, ModelError> {
        let RemoteSettings { timeout, retry, .. } = self.settings;
        for number in 1.. {
            let asked = tokio::time::timeout(timeout, self.calls.embed(texts, purpose)).await;
            let error = match asked {
                Ok(Ok(vectors)) => return Ok(vectors),
                Ok(Err(error)) => error,
                Err(_) => ModelError::TotalTimeout(timeout),
            };
            let wait = retry.backoff(number, rand::random());
            let wait = wait.max(error.retry_after().unwrap_or_default());
            if !error.is_retryable() || number >= retry.tries || wait > retry.cap {
                return Err(error);
            }
            tracing::debug!(model = %self.id, %error, "embedding is tried again");
            tokio::time::sleep(wait).await;
        }
        Err(ModelError::Empty)
    }

    fn failed(&self, error: ModelError) -> EmbeddingError {
        let (model, reason) = (self.id.clone(), error.to_string());
        if error.is_retryable() {
            EmbeddingError::Unavailable { model, reason }
        } else {
            EmbeddingError::Refused { model, reason }
        }
    }
}

#[async_trait]
impl<C: EmbeddingCalls> Embedder for RemoteEmbedder<C> {
    fn model(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.settings.dimensions
    }

    fn count_tokens(&self, text: &str) -> usize {
        usize::try_from(tokens::estimate(text)).unwrap_or(usize::MAX)
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        let windows = windows::split(text, self.calls.window_bytes());
        let vectors = self.embed_all(&windows, Purpose::Question).await?;
        check::mean(&vectors).ok_or_else(|| EmbeddingError::Output {
            model: self.id.clone(),
            reason: "the windows of a question cancel each other out".to_owned(),
        })
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        let bytes = self.calls.window_bytes();
        let windows: Vec<Vec<String>> =
            passages.iter().map(|passage| windows::split(passage, bytes)).collect();
        let flat: Vec<String> = windows.iter().flatten().cloned().collect();
        let mut vectors = self.embed_all(&flat, Purpose::Passage).await?.into_iter();
        Ok(windows.iter().map(|windows| vectors.by_ref().take(windows.len()).collect()).collect())
    }
}

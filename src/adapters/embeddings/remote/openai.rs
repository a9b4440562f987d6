//! Embeddings of any server that speaks OpenAI's protocol: OpenAI, Azure, vLLM, llama.cpp, Ollama.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::{EmbeddingCalls, Purpose};
use crate::adapters::models::openai::{Refusal, client, lost};
use crate::adapters::models::{ModelError, OpenAiServer};
use crate::kernel::live_secret::LiveSecret;

/// Texts in one request: the bound of OpenAI, of which others have taken it over.
const BATCH: usize = 2_048;
/// Models of OpenAI read 8191 tokens; no script has more than one for two bytes.
const WINDOW_BYTES: usize = 16_000;
/// For the connection itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest response that is read: 2048 vectors of 4096 numbers with 24 characters each.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// One model of one server.
pub struct OpenAiEmbeddings {
    client: reqwest::Client,
    server: OpenAiServer,
    url: Url,
    key: LiveSecret,
    model: String,
    /// Sent only to models that can shorten their vectors.
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl OpenAiEmbeddings {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`ModelError::Connect`] when the address or the key cannot be part of a request.
    pub fn new(
        server: &OpenAiServer,
        base_url: &str,
        key: LiveSecret,
        model: &str,
        dimensions: usize,
    ) -> Result<Self, ModelError> {
        let shortens = model.starts_with("text-embedding-3");
        // Told now, not at the first document.
        server.headers(key.get().as_ref())?;
        Ok(Self {
            client: client(CONNECT_TIMEOUT)?,
            server: server.clone(),
            url: server.address(base_url, model, "embeddings")?,
            key,
            model: model.to_owned(),
            dimensions: shortens.then_some(dimensions),
        })
    }
}

#[async_trait]
impl EmbeddingCalls for OpenAiEmbeddings {
    fn model(&self) -> &str {
        &self.model
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn window_bytes(&self) -> usize {
        WINDOW_BYTES
    }

    async fn embed(
        &self,
        texts: &[String],
        _purpose: Purpose,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut body = json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        if let Some(dimensions) = self.dimensions {
            body["dimensions"] = json!(dimensions);
        }
        let key = self.key.get();
        let headers = self.server.headers(key.as_ref())?;
        let request = self.client.post(self.url.clone()).headers(headers).json(&body);
        let response = request.send().await.map_err(lost)?;
        if !response.status().is_success() {
            return Err(Refusal::read(response).await.into_error(key.as_ref()));
        }
        read(response, texts.len()).await
    }
}

async fn read(mut response: reqwest::Response, texts: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| ModelError::Cut)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MOST_BYTES {
            return Err(ModelError::Malformed(format!("more than {MOST_BYTES} bytes of vectors")));
        }
    }
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|error| ModelError::Malformed(format!("no vectors ({error})")))?;
    // Each says for which text it is; servers that do not say so keep the order.
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; texts.max(answer.data.len())];
    for (place, item) in answer.data.into_iter().enumerate() {
        let slot = vectors.get_mut(item.index.unwrap_or(place)).filter(|slot| slot.is_none());
        let wrong =
            || ModelError::Malformed("two vectors for one text, or one for none".to_owned());
        *slot.ok_or_else(wrong)? = Some(item.embedding);
    }
    Ok(vectors.into_iter().flatten().collect())
}

//! The OpenAPI document, made without a service: nothing is reached, and nothing is started.

use std::sync::Arc;

use async_trait::async_trait;

use super::{App, Outside};
use crate::adapters::embeddings::{Embedder, EmbeddingError, Vector};
use crate::adapters::models::ExtractiveModel;
use crate::config::{Config, Env};
use crate::server::openapi_document;

/// The OpenAPI document as text: made from types alone, so that it needs neither database nor model.
/// The pool that is never used wants a Tokio runtime to be there.
///
/// # Errors
/// Two operations or types have one name.
pub fn openapi_text() -> anyhow::Result<String> {
    let env = Env::from_pairs([("DATABASE_URL", "postgres://nobody@localhost/nothing")]);
    let config = Config::from_env(&env)?;
    let outside =
        Outside { embedder: Arc::new(NoEmbedder), models: Arc::new(ExtractiveModel).into() };
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

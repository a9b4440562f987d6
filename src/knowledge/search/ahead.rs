//! A question that is embedded while it is being stored, so that its search need not wait for both.

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::Search;
use crate::adapters::embeddings::{EmbeddingError, Vector};
use crate::telemetry::{traced, traced_apart};

/// The embedding of a text, under way.
#[derive(Debug)]
pub struct EmbeddedAhead {
    text: String,
    vector: JoinHandle<Result<Vector, EmbeddingError>>,
}

impl Search {
    /// Begins to embed a text that is about to be searched.
    pub fn embed_ahead(&self, tasks: &TaskTracker, text: &str) -> EmbeddedAhead {
        let (embedder, question) = (self.embedder.clone(), text.to_owned());
        let span = traced_apart!(
            "embeddings",
            otel.name = format!("embeddings {}", embedder.model()),
            gen_ai.operation.name = "embeddings",
            gen_ai.request.model = embedder.model(),
        );
        let embedding = async move { embedder.embed_query(&question).await };
        let vector = tasks.spawn(embedding.instrument(span));
        EmbeddedAhead { text: text.to_owned(), vector }
    }

    /// The embedding of a text: the one under way when it is of the same text.
    pub(super) async fn embed(
        &self,
        text: &str,
        ahead: Option<EmbeddedAhead>,
    ) -> Result<Vector, EmbeddingError> {
        if let Some(ahead) = ahead.filter(|ahead| ahead.text == text) {
            // It ended without a word when the embedder panicked: then the caller's own try tells.
            if let Ok(vector) = ahead.vector.await {
                return vector;
            }
        }
        let span = traced!(
            "embeddings",
            otel.name = format!("embeddings {}", self.embedder.model()),
            gen_ai.operation.name = "embeddings",
            gen_ai.request.model = self.embedder.model(),
        );
        self.embedder.embed_query(text).instrument(span).await
    }
}

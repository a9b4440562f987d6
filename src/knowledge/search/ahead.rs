//! Embedding a question, once with each model whose vectors its search reads; and a question that is embedded while it is being
//! stored, so that its search need not wait for both.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use futures_util::future::try_join_all;
use pgvector::HalfVector;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{Scope, Search, SearchError, SearchQuery, survey};
use crate::adapters::embeddings::EmbeddingError;
use crate::kernel::ids::TenantId;
use crate::telemetry::{traced, traced_apart};

/// A question's vector by model.
pub(super) type QuestionVectors = BTreeMap<String, HalfVector>;

/// The embedding of a text, under way.
#[derive(Debug)]
pub struct EmbeddedAhead {
    text: String,
    vectors: JoinHandle<Result<QuestionVectors, SearchError>>,
}

impl Search {
    /// Begins to embed a text that is about to be searched in this scope.
    pub fn embed_ahead(&self, tasks: &TaskTracker, scope: Scope, text: &str) -> EmbeddedAhead {
        let question = text.to_owned();
        let vectors = if self.must_ask_for_models(scope.tenant) {
            let (search, span) = (self.clone(), traced_apart!("embed question"));
            let embedding = async move { search.embed_expected(&scope, &question).await };
            tasks.spawn(embedding.instrument(span))
        } else {
            let embedder = Arc::clone(self.embedders.own());
            let span = traced_apart!(
                "embeddings",
                otel.name = format!("embeddings {}", embedder.model()),
                gen_ai.operation.name = "embeddings",
                gen_ai.request.model = embedder.model(),
            );
            let embedding = async move {
                let vector = embedder.embed_query(&question).await?;
                let vector = HalfVector::from_f32_slice(&vector);
                Ok::<_, SearchError>(QuestionVectors::from([(embedder.model().to_owned(), vector)]))
            };
            tasks.spawn(embedding.instrument(span))
        };
        EmbeddedAhead { text: text.to_owned(), vectors }
    }

    /// The embedding of a question: the one under way when it is of the same text.
    pub(super) async fn embed_question(
        &self,
        query: &SearchQuery,
        ahead: Option<EmbeddedAhead>,
    ) -> Result<QuestionVectors, SearchError> {
        if let Some(ahead) = ahead.filter(|ahead| ahead.text == query.text) {
            // It ended without a word when the embedder panicked: then the caller's own try tells.
            if let Ok(vectors) = ahead.vectors.await {
                return vectors;
            }
        }
        self.embed_expected(&query.scope, &query.text).await
    }

    /// Embeds with the models that the search will need as things stand, and with no other: one that is away must not keep
    /// anybody from searching what has nothing of it. What is different by then is asked for by the search.
    async fn embed_expected(
        &self,
        scope: &Scope,
        text: &str,
    ) -> Result<QuestionVectors, SearchError> {
        let mut vectors = QuestionVectors::new();
        let models = if self.must_ask_for_models(scope.tenant) {
            let mut tx = self.db.tenant(scope.tenant).await?;
            let survey = survey(&mut tx, scope).await?;
            self.missing_models(scope.tenant, &survey, &vectors)
        } else {
            vec![self.embedders.own_model().to_owned()]
        };
        self.embed_with(&models, text, &mut vectors).await?;
        Ok(vectors)
    }

    /// Adds the vectors of a text by these models.
    pub(super) async fn embed_with(
        &self,
        models: &[String],
        text: &str,
        vectors: &mut QuestionVectors,
    ) -> Result<(), SearchError> {
        let embedding = models.iter().map(|model| self.embed_by(model, text));
        vectors.extend(try_join_all(embedding).await?);
        Ok(())
    }

    async fn embed_by(
        &self,
        model: &str,
        text: &str,
    ) -> Result<(String, HalfVector), EmbeddingError> {
        let embedder = self.embedders.find(model)?;
        let span = traced!(
            "embeddings",
            otel.name = format!("embeddings {model}"),
            gen_ai.operation.name = "embeddings",
            gen_ai.request.model = model,
        );
        let vector = embedder.embed_query(text).instrument(span).await?;
        Ok((model.to_owned(), HalfVector::from_f32_slice(&vector)))
    }

    /// Whether it is worth a look which models are needed: not as long as this process has seen no collection of the tenant
    /// with another model than the database's own.
    fn must_ask_for_models(&self, tenant: TenantId) -> bool {
        self.embedders.are_several()
            && self.with_others.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
    }
}

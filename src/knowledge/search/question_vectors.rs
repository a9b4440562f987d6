//! Embedding a question, once with each model whose vectors its search reads.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use futures_util::future::try_join_all;
use pgvector::HalfVector;
use tracing::Instrument;

use super::{Scope, Search, SearchError, survey};
use crate::adapters::embeddings::EmbeddingError;
use crate::kernel::ids::TenantId;
use crate::telemetry::traced;

/// A question's vector by model.
pub(super) type QuestionVectors = BTreeMap<String, HalfVector>;

impl Search {
    /// Embeds with the models that the search will need as things stand, and with no other: one that is away must not keep
    /// anybody from searching what has nothing of it. What is different by then is asked for by the search.
    pub(super) async fn embed_expected(
        &self,
        scope: &Scope,
        text: &str,
    ) -> Result<QuestionVectors, SearchError> {
        if !self.must_ask_for_models(scope.tenant) {
            return self.embed_by_own(text).await;
        }
        let mut vectors = QuestionVectors::new();
        let mut tx = self.db.tenant(scope.tenant).await?;
        let survey = survey(&mut tx, scope).await?;
        drop(tx);
        let models = self.missing_models(scope.tenant, &survey, &vectors);
        self.embed_with(&models, text, &mut vectors).await?;
        Ok(vectors)
    }

    /// Embeds with the database's own model.
    pub(super) async fn embed_by_own(&self, text: &str) -> Result<QuestionVectors, SearchError> {
        Ok(QuestionVectors::from([self.embed_by(self.embedders.own_model(), text).await?]))
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
    pub(super) fn must_ask_for_models(&self, tenant: TenantId) -> bool {
        self.embedders.are_several()
            && self.with_others.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
    }
}

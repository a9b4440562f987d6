//! Vectors for the passages of a version, of each model that its collection needs.

use pgvector::HalfVector;

use super::{AttemptError, Ingestion};
use crate::kernel::ids::TenantId;
use crate::knowledge::embedders::embed_passages;
use crate::knowledge::store::index::IndexedVersion;
use crate::knowledge::store::ingestion::StageTimes;

/// Passages embedded between two renewals of the lease.
const BATCH: usize = 32;

/// What is embedded of a passage.
#[derive(Debug)]
pub(super) struct EmbeddedText {
    /// The text.
    pub text: String,
    /// SHA-256 of it.
    pub digest: Vec<u8>,
}

impl Ingestion {
    /// Gives a version the vectors that its collection needs and that it does not have yet. It can not do without those that
    /// searches read; a model of a re-embedding that fails, or that this process does not know, is left out: a worker of the
    /// re-embedding makes its vectors, and nobody can switch to them before.
    pub(super) async fn embed(
        &self,
        tenant: TenantId,
        indexed: &mut IndexedVersion<'_>,
        texts: &[EmbeddedText],
        times: StageTimes,
    ) -> Result<(), AttemptError> {
        let own = &indexed.own_model;
        let mut tx = self.db.tenant(tenant).await?;
        let collection_id = indexed.version.collection_id;
        // None when the collection is gone, which publishing will find.
        let searched = tx.find_searched_model(collection_id).await?.flatten();
        let searched = searched.unwrap_or_else(|| own.clone());
        let mut models = tx.list_embedding_models(collection_id, own).await?;
        drop(tx);
        models.retain(|model| *model != searched);
        models.insert(0, searched.clone());
        indexed.vectors.retain(|model, _| models.contains(model));
        // It could be left out before searches came to read it.
        indexed.left_out.remove(&searched);
        for model in models {
            if indexed.vectors.contains_key(&model) || indexed.left_out.contains(&model) {
                continue;
            }
            match self.embed_with(tenant, indexed, &model, texts, times).await {
                Ok(vectors) => {
                    indexed.vectors.insert(model, vectors);
                }
                Err(AttemptError::Embedding(error)) if model != searched => {
                    indexed.left_out.insert(model.clone());
                    tracing::warn!(
                        version.id = %indexed.version.version_id,
                        model,
                        %error,
                        "version goes without vectors of a re-embedding for now"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Vectors by one model: reused where the same text was embedded before, else made in batches.
    async fn embed_with(
        &self,
        tenant: TenantId,
        indexed: &IndexedVersion<'_>,
        model: &str,
        texts: &[EmbeddedText],
        times: StageTimes,
    ) -> Result<Vec<Vec<HalfVector>>, AttemptError> {
        let embedder = self.embedders.find(model)?;
        let digests: Vec<Vec<u8>> = texts.iter().map(|text| text.digest.clone()).collect();
        let mut tx = self.db.tenant(tenant).await?;
        let mut known = tx.find_embeddings(&indexed.own_model, model, &digests).await?;
        drop(tx);
        let missing: Vec<usize> =
            (0..digests.len()).filter(|index| !known.contains_key(&digests[*index])).collect();
        let is_first = indexed.vectors.is_empty();
        for (number, batch) in missing.chunks(BATCH).enumerate() {
            if number > 0 || !is_first {
                let (version, token) = (indexed.version, indexed.token);
                self.advance(tenant, version, token, "embedding", times).await?;
            }
            let batch_texts: Vec<String> =
                batch.iter().map(|index| texts[*index].text.clone()).collect();
            let vectors = embed_passages(&**embedder, &batch_texts).await?;
            for (index, windows) in batch.iter().zip(vectors) {
                known.insert(digests[*index].clone(), windows);
            }
        }
        Ok(digests.iter().map(|digest| known.get(digest).cloned().unwrap_or_default()).collect())
    }
}

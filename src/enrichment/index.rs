//! Lets the passages of a document be found by their contexts: those that have another one than they are found by are embedded
//! anew, and all of it changes in one transaction, so that a search sees the document before or after it.

use std::collections::{BTreeMap, BTreeSet};

use pgvector::HalfVector;
use uuid::Uuid;

use super::document::Document;
use super::error::WorkError;
use super::store::jobs::ClaimedDocument;
use super::work::Enrichment;
use crate::db::TenantTx;
use crate::kernel::ids::TenantId;
use crate::kernel::terms;
use crate::knowledge::{
    Changed, PassageChange, PassageContexts, VectorsByModel, VersionChange, embed_passages,
    embedded_digest, embedded_text,
};

/// Passages embedded between two renewals of the lease.
const EMBED_BATCH: usize = 32;

/// Passages as they are to be found.
struct Planned {
    /// Those that change.
    passages: Vec<PassageChange>,
    /// Text that is embedded of each of them.
    texts: Vec<String>,
    /// How often each term stands in each passage, of all.
    terms: Vec<(Uuid, BTreeMap<String, u32>)>,
}

impl Enrichment {
    /// Brings what passages are found by up to what is known of them. With `is_last` the document is completed with it.
    pub(super) async fn index(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        document: &Document,
        contexts: &PassageContexts,
        is_last: bool,
    ) -> Result<(), WorkError> {
        let is_changed = |place: usize| {
            document.context(place, contexts) != document.passages[place].context.as_deref()
        };
        let places: Vec<usize> =
            (0..document.passages.len()).filter(|it| is_changed(*it)).collect();
        let mut tx = if places.is_empty() {
            self.db.tenant(tenant).await?
        } else {
            let planned = plan(document, contexts, &places).await?;
            self.change(tenant, claimed, &planned).await?
        };
        let is_ours = if is_last {
            tx.forget_other_contexts(claimed.document_id, &document.digests).await?;
            tx.complete_enrichment(claimed).await?
        } else {
            tx.keep_enrichment(claimed, self.settings.lease).await?
        };
        if !is_ours {
            return Err(WorkError::LeaseLost);
        }
        tx.commit().await?;
        Ok(())
    }

    /// Changes passages; the transaction, to be committed.
    async fn change(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        planned: &Planned,
    ) -> Result<TenantTx, WorkError> {
        let (mut vectors, mut left_out) = (VectorsByModel::new(), BTreeSet::new());
        loop {
            self.embed(tenant, claimed, &planned.texts, &mut vectors, &mut left_out).await?;
            let change = VersionChange {
                document_id: claimed.document_id,
                version_id: claimed.version_id,
                collection_id: claimed.collection_id,
                own_model: self.embedders.own_model(),
                passages: &planned.passages,
                vectors: &vectors,
                left_out: &left_out,
                terms: &planned.terms,
            };
            let mut tx = self.db.tenant(tenant).await?;
            match tx.change_passages(&change).await? {
                Changed::Done => return Ok(tx),
                Changed::VersionGone => return Err(WorkError::LeaseLost),
                // Somebody began to re-embed the collection, or ended that: it gets the vectors that are needed now.
                Changed::OtherModels => tx.rollback().await?,
            }
        }
    }

    /// Makes the vectors that the collection needs of texts and that are not there yet. It can not do without those that searches
    /// read; a model of a re-embedding that fails is left out, as when a version comes into search.
    async fn embed(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        texts: &[String],
        vectors: &mut VectorsByModel,
        left_out: &mut BTreeSet<String>,
    ) -> Result<(), WorkError> {
        let own = self.embedders.own_model();
        let mut tx = self.db.tenant(tenant).await?;
        let searched = tx.find_searched_model(claimed.collection_id).await?.flatten();
        let searched = searched.unwrap_or_else(|| own.to_owned());
        let mut models = tx.list_embedding_models(claimed.collection_id, own).await?;
        drop(tx);
        if models.is_empty() {
            // The collection is gone, and the document with it.
            return Err(WorkError::LeaseLost);
        }
        models.retain(|model| *model != searched);
        models.insert(0, searched.clone());
        vectors.retain(|model, _| models.contains(model));
        // It could be left out before searches came to read it.
        left_out.remove(&searched);
        for model in models {
            if vectors.contains_key(&model) || left_out.contains(&model) {
                continue;
            }
            match self.embed_with(tenant, claimed, &model, texts).await {
                Ok(made) => {
                    vectors.insert(model, made);
                }
                Err(WorkError::Embedding(error)) if model != searched => {
                    tracing::warn!(
                        document.id = %claimed.document_id,
                        model,
                        %error,
                        "contexts go without vectors of a re-embedding for now"
                    );
                    left_out.insert(model);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Vectors of texts by one model.
    async fn embed_with(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        model: &str,
        texts: &[String],
    ) -> Result<Vec<Vec<HalfVector>>, WorkError> {
        let embedder = self.embedders.find(model)?;
        let mut made = Vec::with_capacity(texts.len());
        for batch in texts.chunks(EMBED_BATCH) {
            self.keep(tenant, claimed).await?;
            made.extend(embed_passages(&**embedder, batch).await?);
        }
        Ok(made)
    }
}

/// Counts terms on a thread of its own: of a long document that takes a while.
async fn plan(
    document: &Document,
    contexts: &PassageContexts,
    places: &[usize],
) -> Result<Planned, WorkError> {
    let text = |place: usize| {
        let (passage, context) = (&document.passages[place], document.context(place, contexts));
        embedded_text(&document.title, &passage.heading_path, context, &passage.body)
    };
    let texts: Vec<(Uuid, String)> = (0..document.passages.len())
        .map(|place| (document.passages[place].chunk_id, text(place)))
        .collect();
    let changed = places.iter().map(|place| {
        let (chunk_id, text) = &texts[*place];
        let passage = PassageChange {
            chunk_id: *chunk_id,
            context: document.context(*place, contexts).map(str::to_owned),
            embedded_sha256: embedded_digest(text),
        };
        (passage, text.clone())
    });
    let (passages, changed_texts): (Vec<_>, Vec<_>) = changed.unzip();
    let count = move || -> Vec<(Uuid, BTreeMap<String, u32>)> {
        let count = |(chunk_id, text): (Uuid, String)| (chunk_id, terms::frequencies(&text));
        texts.into_iter().map(count).collect()
    };
    let terms = tokio::task::spawn_blocking(count).await.map_err(WorkError::Crashed)?;
    Ok(Planned { passages, texts: changed_texts, terms })
}

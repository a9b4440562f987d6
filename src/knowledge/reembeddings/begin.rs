//! Begins re-embeddings and shows them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{REEMBED_COLLECTION, ReembeddingError, Reembeddings};
use crate::db::{Keyset, Page, TenantTx};
use crate::identity::Actor;
use crate::kernel::ids::new_id;
use crate::knowledge::Reach;
use crate::knowledge::store::reembeddings::{NewReembedding, Reembedding};

impl Reembeddings {
    /// Has a collection embedded with another model by a worker. One with that model that is not over is left as it is.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn begin(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        model: &str,
    ) -> Result<Reembedding, ReembeddingError> {
        self.reach(tx, actor, collection_id).await?;
        let from_model = self.lock_collection(tx, collection_id).await?;
        if let Some(live) = tx.find_live_reembedding(collection_id).await? {
            let live = find(tx, collection_id, live).await?;
            if live.to_model == model {
                return Ok(live);
            }
            let Reembedding { to_model, state, .. } = live;
            return Err(ReembeddingError::Live { to_model, state });
        }
        let Ok(embedder) = self.embedders.find(model) else {
            return Err(ReembeddingError::UnknownModel(self.models().join(", ")));
        };
        if from_model == model {
            return Err(ReembeddingError::SameModel);
        }
        if tx.is_being_filled(collection_id).await? {
            return Err(ReembeddingError::BeingFilled);
        }
        // Documents that come in meanwhile need both.
        self.embedders.find(&from_model)?;
        let id = new_id();
        tx.insert_reembedding(NewReembedding {
            reembedding_id: id,
            collection_id,
            from_model: &from_model,
            to_model: embedder.model(),
            created_by: actor.id(),
        })
        .await?;
        tx.enqueue(REEMBED_COLLECTION, id).await?;
        let begun = find(tx, collection_id, id).await?;
        let entry = actor.audit("reembedding.created").on("reembedding", id);
        tx.append_audit(entry.after(told(&begun))).await?;
        tx.note_needed_model(model).await?;
        Ok(begun)
    }

    /// One re-embedding of a collection that the actor reaches.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn find(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> Result<Reembedding, ReembeddingError> {
        self.reach(tx, actor, collection_id).await?;
        find(tx, collection_id, reembedding_id).await
    }

    /// Re-embeddings of a collection that the actor reaches, newest first; and the model whose vectors its searches read.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn list(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        keyset: Keyset,
    ) -> Result<(Page<Reembedding>, String), ReembeddingError> {
        self.reach(tx, actor, collection_id).await?;
        let model = tx.find_searched_model(collection_id).await?;
        let model = model.ok_or(ReembeddingError::UnknownCollection)?;
        let page = tx.list_reembeddings(collection_id, keyset).await?;
        Ok((page, model.unwrap_or_else(|| self.embedders.own_model().to_owned())))
    }

    /// Refuses a collection that the actor does not reach.
    pub(super) async fn reach(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
    ) -> Result<(), ReembeddingError> {
        let reach = Reach::of(tx, &actor.into()).await?;
        let reached = reach.holds(collection_id);
        reached.then_some(()).ok_or(ReembeddingError::UnknownCollection)
    }

    /// Keeps others from publishing to a collection and from changing its model; the model whose vectors its searches read.
    pub(super) async fn lock_collection(
        &self,
        tx: &mut TenantTx,
        collection_id: Uuid,
    ) -> Result<String, ReembeddingError> {
        let model = tx.lock_searched_model(collection_id).await?;
        let model = model.ok_or(ReembeddingError::UnknownCollection)?;
        Ok(model.unwrap_or_else(|| self.embedders.own_model().to_owned()))
    }
}

/// One re-embedding of a collection.
pub(super) async fn find(
    tx: &mut TenantTx,
    collection_id: Uuid,
    reembedding_id: Uuid,
) -> Result<Reembedding, ReembeddingError> {
    let found = tx.find_reembedding(collection_id, reembedding_id).await?;
    found.ok_or(ReembeddingError::Unknown)
}

/// For the audit log.
pub(super) fn told(reembedding: &Reembedding) -> Value {
    json!({
        "collection_id": reembedding.collection_id,
        "from_model": reembedding.from_model,
        "to_model": reembedding.to_model,
        "state": reembedding.state,
    })
}

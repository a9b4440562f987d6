//! Switches searches to the new vectors and back, and ends re-embeddings, as somebody asks for it. Each locks the collection
//! first: nobody publishes in between, and of two who steer at once the second one sees what the first one did.

use uuid::Uuid;

use super::begin::{find, told};
use super::{REEMBED_COLLECTION, ReembeddingError, Reembeddings};
use crate::db::TenantTx;
use crate::identity::Actor;
use crate::knowledge::store::reembeddings::Reembedding;

impl Reembeddings {
    /// Lets searches of the collection read the new vectors, from the commit on. One that they read already is left as it is.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn switch(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> Result<Reembedding, ReembeddingError> {
        let before = self.locked(tx, actor, collection_id, reembedding_id).await?;
        match before.state.as_str() {
            "switched" => return Ok(before),
            "ready" => {}
            "queued" | "running" => return Err(refused(before, "wait until it is ready")),
            _ => return Err(refused(before, "begin another one")),
        }
        self.embedders.find(&before.to_model)?;
        // What came in while the new model was away, or by a process of an older version, was published without.
        let own = self.embedders.own_model();
        if tx.lacks_vectors(collection_id, own, &before.to_model).await? {
            return Err(ReembeddingError::Lacking);
        }
        tx.put_searched_model(collection_id, self.stored(&before.to_model)).await?;
        if !tx.mark_switched(reembedding_id, self.settings.keep).await? {
            return Err(refused(before, "somebody else steered it; look at it again"));
        }
        let after = find(tx, collection_id, reembedding_id).await?;
        let entry = actor.audit("reembedding.switched").on("reembedding", reembedding_id);
        tx.append_audit(entry.before(told(&before)).after(told(&after))).await?;
        tx.note_needed_model(&after.to_model).await?;
        Ok(after)
    }

    /// Lets searches read the old vectors again, from the commit on; the new ones stay. One that is ready is left as it is.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn roll_back(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> Result<Reembedding, ReembeddingError> {
        let before = self.locked(tx, actor, collection_id, reembedding_id).await?;
        match before.state.as_str() {
            "ready" => return Ok(before),
            "switched" => {}
            "completed" => {
                return Err(refused(before, "the old vectors are gone; re-embed the collection"));
            }
            _ => return Err(refused(before, "searches never read its vectors")),
        }
        self.embedders.find(&before.from_model)?;
        // What came in while the old model was away has none of its vectors.
        let own = self.embedders.own_model();
        if tx.lacks_vectors(collection_id, own, &before.from_model).await? {
            return Err(ReembeddingError::Lacking);
        }
        if !tx.mark_rolled_back(reembedding_id).await? {
            return Err(refused(before, "somebody else steered it; look at it again"));
        }
        tx.put_searched_model(collection_id, self.stored(&before.from_model)).await?;
        let after = find(tx, collection_id, reembedding_id).await?;
        let entry = actor.audit("reembedding.rolled_back").on("reembedding", reembedding_id);
        tx.append_audit(entry.before(told(&before)).after(told(&after))).await?;
        Ok(after)
    }

    /// Ends a re-embedding and has its vectors removed by a worker. One that is over is left as it is.
    ///
    /// # Errors
    /// See [`ReembeddingError`].
    pub async fn cancel(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> Result<Reembedding, ReembeddingError> {
        let before = self.locked(tx, actor, collection_id, reembedding_id).await?;
        match before.state.as_str() {
            "queued" | "running" | "ready" => {}
            "switched" => {
                return Err(refused(before, "searches read its vectors; roll it back first"));
            }
            _ => return Ok(before),
        }
        if !tx.mark_cancelled(reembedding_id).await? {
            return Err(refused(before, "somebody else steered it; look at it again"));
        }
        tx.enqueue(REEMBED_COLLECTION, reembedding_id).await?;
        let after = find(tx, collection_id, reembedding_id).await?;
        let entry = actor.audit("reembedding.cancelled").on("reembedding", reembedding_id);
        tx.append_audit(entry.before(told(&before)).after(told(&after))).await?;
        Ok(after)
    }

    /// A re-embedding whose collection is locked.
    async fn locked(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> Result<Reembedding, ReembeddingError> {
        self.reach(tx, actor, collection_id).await?;
        self.lock_collection(tx, collection_id).await?;
        find(tx, collection_id, reembedding_id).await
    }
}

fn refused(reembedding: Reembedding, remedy: &'static str) -> ReembeddingError {
    ReembeddingError::State { state: reembedding.state, remedy }
}

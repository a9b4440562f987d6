//! Removes documents and collections: their rows at once, their originals by the worker, asked for in the same transaction.

use serde_json::json;
use uuid::Uuid;

use super::author::Author;
use super::ingest_version::REMOVE_ORIGINAL;
use super::reach::Reach;
use super::receive_document::Receiver;
use crate::db::{self, TenantTx};
use crate::identity::Actor;

impl Receiver {
    /// Removes a document; false when there is none, or none within reach.
    ///
    /// # Errors
    /// The database failed; nothing was removed.
    pub async fn remove(&self, author: &Author, document_id: Uuid) -> db::Result<bool> {
        let mut tx = self.db.tenant(author.tenant).await?;
        if !remove_document(&mut tx, author, document_id).await? {
            return Ok(false);
        }
        tx.commit().await?;
        self.wake_worker();
        Ok(true)
    }

    /// Removes a collection with its documents; false when there is none, or none within reach.
    ///
    /// # Errors
    /// The database failed; nothing was removed.
    pub async fn remove_collection(&self, actor: &Actor, collection_id: Uuid) -> db::Result<bool> {
        let mut removed = self.try_remove_collection(actor, collection_id).await;
        // A version published at this moment wants document and collection too: one of both has to begin again.
        for _ in 0..db::RETRIES {
            if !matches!(&removed, Err(error) if error.met_another()) {
                break;
            }
            removed = self.try_remove_collection(actor, collection_id).await;
        }
        removed
    }

    async fn try_remove_collection(&self, actor: &Actor, collection_id: Uuid) -> db::Result<bool> {
        let mut tx = self.db.tenant(actor.tenant).await?;
        tx.lock_collection(collection_id).await?;
        if !Reach::of(&mut tx, &actor.into()).await?.holds(collection_id) {
            return Ok(false);
        }
        let found = tx.find_collection(collection_id).await?;
        tx.seal_collection(collection_id).await?;
        let versions = tx.list_version_ids(None, Some(collection_id)).await?;
        tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
        if !tx.delete_collection(collection_id).await? {
            return Ok(false);
        }
        let entry = actor.audit("collection.deleted").on("collection", collection_id);
        let name = found.map(|collection| collection.name);
        let before = json!({ "name": name, "versions": versions.len() });
        tx.append_audit(entry.before(before)).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(true)
    }
}

/// Removes a document in a transaction that holds more than that, and wakes nobody; false when there is none, or none within reach.
///
/// # Errors
/// The database failed.
pub async fn remove_document(
    tx: &mut TenantTx,
    author: &Author,
    document_id: Uuid,
) -> db::Result<bool> {
    let reach = Reach::of(tx, &author.reader).await?;
    let found = tx.find_document(document_id).await?;
    // A document stays in its collection for ever.
    if !found.as_ref().is_some_and(|document| reach.holds(document.collection_id)) {
        return Ok(false);
    }
    let Some((collection_id, change, versions)) = tx.delete_document_row(document_id).await? else {
        return Ok(false);
    };
    tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
    tx.change_collection_counts(collection_id, change).await?;
    let entry = author.audit("document.deleted").on("document", document_id);
    let name = found.map(|document| document.name);
    let before = json!({ "collection_id": collection_id, "name": name });
    tx.append_audit(entry.before(before)).await?;
    Ok(true)
}

/// Removes documents of one collection in the transaction of something larger, which is what the audit log tells of; how many
/// versions there were.
///
/// # Errors
/// The database failed.
pub async fn remove_documents(
    tx: &mut TenantTx,
    collection_id: Uuid,
    document_ids: &[Uuid],
) -> db::Result<usize> {
    let (change, versions) = tx.delete_document_rows(collection_id, document_ids).await?;
    tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
    tx.change_collection_counts(collection_id, change).await?;
    Ok(versions.len())
}

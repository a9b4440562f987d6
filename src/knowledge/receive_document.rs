//! Receives a document: stores the bytes, makes a version, hands it to the worker in the same transaction.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;

use super::ingest_version::{INGEST_VERSION, REMOVE_ORIGINAL};
use super::parse::{MediaType, ParseError};
use super::reach::{Reach, Reader};
use super::store::documents::{Document, DocumentChange};
use super::store::media_type;
use super::store::versions::NewVersion;
use crate::adapters::objects::{ObjectError, ObjectKey, Objects};
use crate::db::{self, Db, OnConstraint};
use crate::kernel::ids::{TenantId, new_id};

/// Collection of documents that name none.
const DEFAULT_COLLECTION: &str = "default";

/// How often a change that met another one is tried again.
const RETRIES: usize = 5;

/// A document that came in.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Collection; the one named "default" when absent, which is made when needed.
    pub collection_id: Option<Uuid>,
    /// File name or path, unique within the collection: the same name again is a new version.
    pub name: String,
    /// Media type that the sender declared.
    pub declared_type: Option<String>,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object, for filters.
    pub metadata: Option<Value>,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Key that uploaded it.
    pub created_by: Option<Uuid>,
}

/// What became of a document that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The document with its newest version.
    pub document: Document,
    /// Whether the bytes were new; the same bytes again change nothing.
    pub is_new_version: bool,
}

/// Why a document was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It cannot be read at all.
    #[error(transparent)]
    Unreadable(#[from] ParseError),
    /// No such collection for this tenant, or none that the sender reaches.
    #[error("there is no such collection")]
    UnknownCollection,
    /// The bytes could not be stored.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Receives documents and removes them.
#[derive(Clone)]
pub struct Receiver {
    db: Db,
    objects: Arc<dyn Objects>,
    work_waits: Arc<Notify>,
}

impl Receiver {
    /// A receiver; `work_waits` wakes the worker of this process.
    pub fn new(db: Db, objects: Arc<dyn Objects>, work_waits: Arc<Notify>) -> Self {
        Self { db, objects, work_waits }
    }

    /// Receives a document.
    ///
    /// # Errors
    /// See [`ReceiveError`]; nothing is stored then.
    pub async fn receive(
        &self,
        tenant: TenantId,
        sender: &Reader,
        new: NewDocument,
    ) -> Result<Received, ReceiveError> {
        let media_type = MediaType::from_file(&new.name, new.declared_type.as_deref(), &new.bytes)?;
        let content_sha256: [u8; 32] = Sha256::digest(&new.bytes).into();
        let size_bytes = i64::try_from(new.bytes.len()).unwrap_or(i64::MAX);
        let version_id = new_id();
        let key = ObjectKey::original(tenant, version_id);

        // Told before the bytes are written: most imports bring mostly what is there already.
        if let Some(document) = self.find_unchanged(tenant, sender, &new, &content_sha256).await? {
            return Ok(Received { document, is_new_version: false });
        }
        self.objects.put(&key, new.bytes.clone()).await?;
        let version = NewVersion {
            version_id,
            document_id: new_id(),
            media_type: media_type::to_row(media_type),
            size_bytes,
            content_sha256,
            object_key: key.as_str().to_owned(),
            created_by: new.created_by,
        };
        let mut stored = self.store(tenant, sender, &new, version.clone()).await;
        for _ in 0..RETRIES {
            let again = match &stored {
                // The default collection may be deleted at any moment: then it is made again.
                Err(ReceiveError::UnknownCollection) => new.collection_id.is_none(),
                Err(ReceiveError::Database(error)) => met_another(error),
                _ => false,
            };
            if !again {
                break;
            }
            stored = self.store(tenant, sender, &new, version.clone()).await;
        }
        if !matches!(&stored, Ok(received) if received.is_new_version) {
            self.objects.delete(&key).await?;
        }
        self.work_waits.notify_one();
        stored
    }

    /// Removes a document; false when there is none, or none within reach.
    ///
    /// # Errors
    /// The database failed; nothing was removed.
    pub async fn remove(
        &self,
        tenant: TenantId,
        remover: &Reader,
        document_id: Uuid,
    ) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        let reach = Reach::of(&mut tx, remover).await?;
        let Some((collection_id, change, versions)) = tx.delete_document_row(document_id).await?
        else {
            return Ok(false);
        };
        if !reach.holds(collection_id) {
            return Ok(false);
        }
        for version_id in versions {
            tx.enqueue(REMOVE_ORIGINAL, version_id).await?;
        }
        tx.change_collection_counts(collection_id, change).await?;
        tx.commit().await?;
        self.work_waits.notify_one();
        Ok(true)
    }

    /// Removes a collection with its documents; false when there is none, or none within reach.
    ///
    /// # Errors
    /// The database failed; nothing was removed.
    pub async fn remove_collection(
        &self,
        tenant: TenantId,
        remover: &Reader,
        collection_id: Uuid,
    ) -> db::Result<bool> {
        let mut removed = self.try_remove_collection(tenant, remover, collection_id).await;
        // A version published at this moment wants document and collection too: one of both has to begin again.
        for _ in 0..RETRIES {
            if !matches!(&removed, Err(error) if met_another(error)) {
                break;
            }
            removed = self.try_remove_collection(tenant, remover, collection_id).await;
        }
        removed
    }

    async fn try_remove_collection(
        &self,
        tenant: TenantId,
        remover: &Reader,
        collection_id: Uuid,
    ) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        tx.lock_collection(collection_id).await?;
        if !Reach::of(&mut tx, remover).await?.holds(collection_id) {
            return Ok(false);
        }
        tx.seal_collection(collection_id).await?;
        for version_id in tx.list_version_ids(None, Some(collection_id)).await? {
            tx.enqueue(REMOVE_ORIGINAL, version_id).await?;
        }
        if !tx.delete_collection(collection_id).await? {
            return Ok(false);
        }
        tx.commit().await?;
        self.work_waits.notify_one();
        Ok(true)
    }

    async fn find_unchanged(
        &self,
        tenant: TenantId,
        sender: &Reader,
        new: &NewDocument,
        digest: &[u8; 32],
    ) -> Result<Option<Document>, ReceiveError> {
        let mut tx = self.db.tenant(tenant).await?;
        let found =
            tx.find_document_by_name(new.collection_id, DEFAULT_COLLECTION, &new.name).await?;
        let Some(document_id) = found else { return Ok(None) };
        if tx.latest_digest(document_id).await?.as_deref() != Some(digest.as_slice()) {
            return Ok(None);
        }
        let change =
            DocumentChange { source_url: new.source_url.clone(), metadata: new.metadata.clone() };
        if change.source_url.is_some() || change.metadata.is_some() {
            tx.update_document(document_id, &change).await?;
        }
        let reach = Reach::of(&mut tx, sender).await?;
        let Some(document) = tx.find_reached_document(&reach, document_id).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        Ok(Some(document))
    }

    async fn store(
        &self,
        tenant: TenantId,
        sender: &Reader,
        new: &NewDocument,
        mut version: NewVersion,
    ) -> Result<Received, ReceiveError> {
        let mut tx = self.db.tenant(tenant).await?;
        let collection_id = match new.collection_id {
            Some(id) if tx.find_collection(id).await?.is_none() => {
                return Err(ReceiveError::UnknownCollection);
            }
            Some(id) => id,
            None => tx
                .ensure_collection(new_id(), DEFAULT_COLLECTION)
                .await?
                .ok_or(ReceiveError::UnknownCollection)?,
        };
        if !Reach::of(&mut tx, sender).await?.holds(collection_id) {
            return Err(ReceiveError::UnknownCollection);
        }
        let document_id = tx
            .lock_document_by_name(version.document_id, collection_id, &new.name)
            .await
            .on_constraint("documents_collection_id_fkey", || ReceiveError::UnknownCollection)?;
        version.document_id = document_id;
        // Once more under the lock: the same file may have been sent twice at once.
        let is_new_version = tx.latest_digest(document_id).await?.as_deref()
            != Some(version.content_sha256.as_slice());
        if is_new_version {
            tx.insert_version(&version).await?;
            tx.enqueue(INGEST_VERSION, version.version_id).await?;
        }
        let change =
            DocumentChange { source_url: new.source_url.clone(), metadata: new.metadata.clone() };
        tx.update_document(document_id, &change).await?;
        let document =
            tx.find_document(document_id).await?.ok_or_else(|| db::Error::Inconsistent {
                table: "documents",
                detail: format!("{document_id} vanished under its lock"),
            })?;
        tx.commit().await?;
        Ok(Received { document, is_new_version })
    }
}

/// Whether a change was refused because of another one at the same moment, as in a deadlock.
fn met_another(error: &db::Error) -> bool {
    matches!(error, db::Error::Statement(_)) && error.is_retryable()
}

//! Receives a document: stores the bytes, makes a version, hands it to the worker in the same transaction.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;

use super::attachments::{TooManyAttachments, admit_attachment};
use super::author::Author;
use super::ingest_version::{INGEST_VERSION, REMOVE_ORIGINAL};
use super::parse::{MediaType, ParseError};
use super::place::{DEFAULT_COLLECTION, Place, open_place};
use super::reach::Reach;
use super::store::documents::{Document, DocumentChange};
use super::store::media_type;
use super::store::source_documents::SoleSource;
use super::store::versions::NewVersion;
use crate::adapters::objects::{ObjectError, ObjectKey, Objects};
use crate::db::audit::AuditEntry;
use crate::db::idempotency::{Begun, Claim, Kept, Outcome};
use crate::db::{self, Db, OnConstraint, TenantTx};
use crate::governance::{Flag, FlagError, Flags};
use crate::kernel::ids::{TenantId, new_id};

/// A document that came in.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Where it goes.
    pub place: Place,
    /// File name or path, unique within the collection: the same name again is a new version.
    pub name: String,
    /// File name that tells the format, where that of the document does not.
    pub format_name: Option<String>,
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
    /// Source that has it for itself: a document of this name that it did not bring in stays as it is.
    pub sole_source: Option<SoleSource>,
}

/// What became of a document that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The document with its newest version.
    pub document: Document,
    /// Whether the bytes were new; the same bytes again change nothing.
    pub is_new_version: bool,
}

/// What the sender is told of a document that came in.
pub type Answer = fn(&Received) -> db::Result<Outcome>;

/// The answer to a sender.
#[derive(Clone, Debug)]
pub enum Receipt {
    /// The document was received now.
    Now(Outcome),
    /// The very request came before.
    Before(Kept),
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
    /// The session went away, or was never one of this tenant.
    #[error("there is no such session")]
    UnknownSession,
    /// The session, or the tenant, has all the attachments that it may have.
    #[error(transparent)]
    TooManyAttachments(#[from] TooManyAttachments),
    /// There is a document of this name which the source did not bring in.
    #[error(
        "the collection has another document of this name, which this source did not bring in; give the source a name_prefix or a collection of its own, or delete that document"
    )]
    NameTaken,
    /// The bytes could not be stored.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The operator has switched uploads off.
    #[error("{0}")]
    Off(FlagError),
    /// Storing them took so long that they were taken for left over.
    #[error("storing the file took too long and was given up")]
    GivenUp,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<FlagError> for ReceiveError {
    fn from(error: FlagError) -> Self {
        match error {
            FlagError::Database(error) => Self::Database(error),
            off @ FlagError::Off(_) => Self::Off(off),
        }
    }
}

/// Who sends a document, and what they are told.
pub(super) struct Sender<'a> {
    pub(super) author: &'a Author,
    pub(super) claim: Option<&'a Claim>,
    pub(super) answer: Answer,
}

/// Receives documents and removes them.
#[derive(Clone)]
pub struct Receiver {
    pub(super) db: Db,
    pub(super) objects: Arc<dyn Objects>,
    work_waits: Arc<Notify>,
    pub(super) flags: Flags,
}

impl Receiver {
    /// A receiver; `work_waits` wakes the worker of this process.
    pub fn new(db: Db, objects: Arc<dyn Objects>, work_waits: Arc<Notify>) -> Self {
        Self { db, objects, work_waits, flags: Flags::default() }
    }

    /// The same under the operator's flags.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// Wakes the worker of this process: there is something for it to do.
    pub fn wake_worker(&self) {
        self.work_waits.notify_one();
    }

    /// Receives a document: with a claim, once for its key. What the sender is told is kept with what is stored.
    ///
    /// # Errors
    /// See [`ReceiveError`]; nothing is stored then.
    pub async fn receive(
        &self,
        author: &Author,
        new: NewDocument,
        claim: Option<&Claim>,
        answer: Answer,
    ) -> Result<Receipt, ReceiveError> {
        let sender = Sender { author, claim, answer };
        let tenant = author.tenant;
        let name = new.format_name.as_deref().unwrap_or(&new.name);
        let media_type = MediaType::from_file(name, new.declared_type.as_deref(), &new.bytes)?;
        let content_sha256: [u8; 32] = Sha256::digest(&new.bytes).into();
        let size_bytes = i64::try_from(new.bytes.len()).unwrap_or(i64::MAX);
        let version_id = new_id();
        let key = ObjectKey::original(tenant, version_id);

        // Told before the bytes are written: most imports bring mostly what is there already.
        if let Some(receipt) = self.find_unchanged(&sender, &new, &content_sha256).await? {
            return Ok(receipt);
        }
        // From here on somebody knows of it, whatever becomes of this process.
        let mut tx = self.db.tenant(tenant).await?;
        tx.announce_original(version_id).await?;
        tx.commit().await?;
        // When this fails, the announcement stays: a store that answers too late may store it even later, and the worker removes
        // it once it is sure to be there.
        self.objects.put(&key, new.bytes.clone()).await?;
        let version = NewVersion {
            version_id,
            document_id: new_id(),
            media_type: media_type::to_row(media_type).to_owned(),
            size_bytes,
            content_sha256: content_sha256.to_vec(),
            object_key: key.as_str().to_owned(),
            created_by: new.created_by,
            original_version_id: None,
        };
        let mut stored = self.store(&sender, &new, version.clone()).await;
        for _ in 0..db::RETRIES {
            let again = match &stored {
                // The default collection may be deleted at any moment: then it is made again.
                Err(ReceiveError::UnknownCollection) => matches!(new.place, Place::Default),
                Err(ReceiveError::Database(error)) => error.met_another(),
                _ => false,
            };
            if !again {
                break;
            }
            stored = self.store(&sender, &new, version.clone()).await;
        }
        if !matches!(&stored, Ok((_, true))) {
            self.discard(tenant, version_id).await;
        }
        self.work_waits.notify_one();
        stored.map(|(receipt, _)| receipt)
    }

    /// Has an original removed that no version came of. When this fails, the worker finds it by its announcement.
    pub(super) async fn discard(&self, tenant: TenantId, version_id: Uuid) {
        if let Err(error) = self.try_discard(tenant, version_id).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an original is removed later"
            );
        }
    }

    /// Only the database knows whether there is a version: one whose commit was carried out while its answer got lost is there
    /// all the same. Such a commit is waited for here, as it holds the announcement.
    async fn try_discard(&self, tenant: TenantId, version_id: Uuid) -> db::Result<()> {
        let mut tx = self.db.tenant(tenant).await?;
        tx.settle_original(version_id).await?;
        if !tx.has_version(version_id).await? {
            tx.enqueue(REMOVE_ORIGINAL, version_id).await?;
        }
        tx.commit().await
    }

    /// The receipt of a file that is there already.
    async fn find_unchanged(
        &self,
        sender: &Sender<'_>,
        new: &NewDocument,
        digest: &[u8; 32],
    ) -> Result<Option<Receipt>, ReceiveError> {
        let mut tx = match self.db.tenant_once(sender.author.tenant, sender.claim).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Ok(Some(Receipt::Before(kept))),
        };
        let found = match self.require_flags(&mut tx, new.place).await {
            Ok(()) => unchanged(&mut tx, sender, new, digest).await,
            Err(error) => Err(error.into()),
        };
        match found {
            Ok(Some(outcome)) => {
                tx.commit_outcome(&outcome).await?;
                Ok(Some(Receipt::Now(outcome)))
            }
            nothing => {
                // At once: the request's own next transaction takes the same key. Of two faults the first is the one to tell.
                drop(tx.rollback().await);
                nothing.map(|_| None)
            }
        }
    }

    /// Passes where the operator lets documents in.
    async fn require_flags(&self, tx: &mut TenantTx, place: Place) -> Result<(), FlagError> {
        self.flags.require(tx, Flag::Uploads).await?;
        if let Place::Session { .. } = place {
            self.flags.require(tx, Flag::Attachments).await?;
        }
        Ok(())
    }

    /// The receipt, and whether there is a new version.
    async fn store(
        &self,
        sender: &Sender<'_>,
        new: &NewDocument,
        version: NewVersion,
    ) -> Result<(Receipt, bool), ReceiveError> {
        let mut tx = match self.db.tenant_once(sender.author.tenant, sender.claim).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Ok((Receipt::Before(kept), false)),
        };
        match write(&mut tx, sender, new, version).await {
            Ok((outcome, is_new_version)) => {
                tx.commit_outcome(&outcome).await?;
                Ok((Receipt::Now(outcome), is_new_version))
            }
            Err(error) => {
                // At once: the next try takes the same key. Of two faults the first is the one to tell.
                drop(tx.rollback().await);
                Err(error)
            }
        }
    }
}

/// What is answered for a file that is there already, with its address and metadata brought up to date.
async fn unchanged(
    tx: &mut TenantTx,
    sender: &Sender<'_>,
    new: &NewDocument,
    digest: &[u8; 32],
) -> Result<Option<Outcome>, ReceiveError> {
    let author = sender.author;
    let collection_id = new.place.collection_id();
    let found = tx.find_document_by_name(collection_id, DEFAULT_COLLECTION, &new.name).await?;
    let Some(document_id) = found else { return Ok(None) };
    refuse_others(tx, new, document_id).await?;
    if tx.latest_digest(document_id).await?.as_deref() != Some(digest.as_slice()) {
        return Ok(None);
    }
    let change =
        DocumentChange { source_url: new.source_url.clone(), metadata: new.metadata.clone() };
    let reach = Reach::of(tx, &author.reader).await?;
    if tx.find_reached_document(&reach, document_id).await?.is_none() {
        return Ok(None);
    }
    update_document(tx, author, document_id, &change).await?;
    let Some(document) = tx.find_document(document_id).await? else { return Ok(None) };
    Ok(Some((sender.answer)(&Received { document, is_new_version: false })?))
}

/// Stores what was sent; what is answered, and whether there is a new version.
///
/// # Errors
/// See [`ReceiveError`]; the transaction is to be rolled back then.
pub(super) async fn write(
    tx: &mut TenantTx,
    sender: &Sender<'_>,
    new: &NewDocument,
    mut version: NewVersion,
) -> Result<(Outcome, bool), ReceiveError> {
    let author = sender.author;
    let collection_id = open_place(tx, author, new.place).await?;
    if !Reach::of(tx, &author.reader).await?.holds(collection_id) {
        return Err(ReceiveError::UnknownCollection);
    }
    if let Some(source) = new.sole_source
        && !tx.share_source(source.source_id).await?
    {
        return Err(ReceiveError::UnknownCollection);
    }
    let document_id = tx
        .lock_document_by_name(version.document_id, collection_id, &new.name)
        .await
        .on_constraint("documents_collection_id_fkey", || new.place.is_gone())?;
    let is_new_document = document_id == version.document_id;
    version.document_id = document_id;
    if !is_new_document {
        refuse_others(tx, new, document_id).await?;
    }
    // Once more under the lock: the same file may have been sent twice at once.
    let is_new_version =
        tx.latest_digest(document_id).await?.as_ref() != Some(&version.content_sha256);
    if is_new_version {
        if let Place::Session { most, .. } = new.place {
            admit_attachment(tx, collection_id, is_new_document, most).await?;
        }
        if !tx.settle_original(version.version_id).await? {
            return Err(ReceiveError::GivenUp);
        }
        tx.insert_version(&version).await?;
        tx.enqueue(INGEST_VERSION, version.version_id).await?;
        tx.append_audit(uploaded(author, new, &version, collection_id)).await?;
    }
    if let Some(source) = new.sole_source.filter(|_| is_new_document) {
        // With the document: whoever goes on when the process dies now must not take it for that of others.
        tx.put_source_document(source, &new.name, document_id, &version.content_sha256).await?;
    }
    let change =
        DocumentChange { source_url: new.source_url.clone(), metadata: new.metadata.clone() };
    update_document(tx, author, document_id, &change).await?;
    let document = tx.find_document(document_id).await?.ok_or_else(|| db::Error::Inconsistent {
        table: "documents",
        detail: format!("{document_id} vanished under its lock"),
    })?;
    let outcome = (sender.answer)(&Received { document, is_new_version })?;
    Ok((outcome, is_new_version))
}

/// Passes when nobody has the document but the source that asks for it, or when none does.
async fn refuse_others(
    tx: &mut TenantTx,
    new: &NewDocument,
    document_id: Uuid,
) -> Result<(), ReceiveError> {
    if let Some(source) = new.sole_source
        && !tx.is_source_document(source.source_id, document_id).await?
    {
        return Err(ReceiveError::NameTaken);
    }
    Ok(())
}

/// What the audit log tells of a new version. Of an attachment only that there was one: its name and its digest are words of a
/// conversation, which may be deleted, and the log keeps all.
fn uploaded(
    author: &Author,
    new: &NewDocument,
    version: &NewVersion,
    collection_id: Uuid,
) -> AuditEntry {
    let NewVersion { version_id, size_bytes, .. } = version;
    if let Place::Session { session_id, .. } = new.place {
        let entry = author.audit("attachment.uploaded").on("attachment", version.document_id);
        return entry.after(json!({
            "session_id": session_id,
            "version_id": version_id,
            "size_bytes": size_bytes,
        }));
    }
    let entry = author.audit("document.uploaded").on("document", version.document_id);
    entry.after(json!({
        "collection_id": collection_id,
        "name": new.name,
        "version_id": version_id,
        "size_bytes": size_bytes,
        "content_sha256": hex::encode(&version.content_sha256),
    }))
}

/// Changes address and metadata of a document, and notes it when either becomes another.
///
/// # Errors
/// The database failed.
pub(super) async fn update_document(
    tx: &mut TenantTx,
    author: &Author,
    document_id: Uuid,
    change: &DocumentChange,
) -> db::Result<()> {
    let Some(old) = tx.find_document(document_id).await? else { return Ok(()) };
    let is_new_url = change.source_url.is_some() && change.source_url != old.source_url;
    let is_new_metadata = change.metadata.as_ref().is_some_and(|new| *new != old.metadata);
    tx.update_document(document_id, change).await?;
    if !is_new_url && !is_new_metadata {
        return Ok(());
    }
    // The digest needs values that are written in one way only, which a number of the tenant's own object may not be: so
    // metadata stands here as text.
    let told =
        |url: &Option<String>, metadata: String| json!({ "source_url": url, "metadata": metadata });
    let new_url = change.source_url.as_ref().or(old.source_url.as_ref()).cloned();
    let new_metadata = change.metadata.as_ref().unwrap_or(&old.metadata).to_string();
    let entry = author.audit("document.updated").on("document", document_id);
    let before = told(&old.source_url, old.metadata.to_string());
    tx.append_audit(entry.before(before).after(told(&new_url, new_metadata))).await
}

//! Completes an upload: parts into an object, the object read once for its size and digest, a document of it.
//!
//! The object is announced before the store makes it, as every original. A process that dies in between leaves the announcement:
//! whoever completes again goes on from there, and when nobody does in time, the object is removed.

use uuid::Uuid;

use super::end::told_later;
use super::parts::check_parts;
use super::survey::Survey;
use super::{Upload, UploadError, Uploads, find_reached};
use crate::adapters::objects::{ObjectError, ObjectKey};
use crate::db;
use crate::db::idempotency::{Begun, Claim, Kept, Outcome};
use crate::governance::Flag;
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::author::Author;
use crate::knowledge::ingest_version::REMOVE_ORIGINAL;
use crate::knowledge::parse::MediaType;
use crate::knowledge::place::Place;
use crate::knowledge::receive_document::{
    Answer, NewDocument, Receipt, ReceiveError, Sender, write,
};
use crate::knowledge::store::media_type;
use crate::knowledge::store::versions::NewVersion;

/// A part as its sender knows it.
#[derive(Clone, Debug)]
pub struct NamedPart {
    /// Number, from 1.
    pub number: u32,
    /// Mark that the store answered with, with or without quotes.
    pub etag: String,
}

/// What somebody says of an upload that is sent whole.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Its parts, in order.
    pub parts: Vec<NamedPart>,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// Where an upload stands that somebody completes.
enum Standing {
    /// There is an answer already.
    Over(Receipt),
    /// There is none yet.
    Open(Box<Upload>),
}

impl Uploads {
    /// Completes an upload; who completes it again is answered as before.
    ///
    /// # Errors
    /// See [`UploadError`]. What is wrong with parts can be mended; after [`UploadError::Failed`] nothing is kept.
    pub async fn complete(
        &self,
        actor: &Actor,
        upload_id: Uuid,
        completion: Completion,
        claim: Option<&Claim>,
        answer: Answer,
    ) -> Result<Receipt, UploadError> {
        let author = Author::from(actor);
        let sender = Sender { author: &author, claim, answer };
        let upload = match self.standing(&sender, upload_id).await? {
            Standing::Over(receipt) => return Ok(receipt),
            Standing::Open(upload) => upload,
        };
        let declared = upload.declared_sha256.as_deref();
        if declared.is_some_and(|declared| declared != completion.sha256.as_slice()) {
            let detail = "is not the one that was declared when the upload was begun";
            return Err(UploadError::invalid("/sha256", detail));
        }
        let store = upload.at_store(actor.tenant).ok_or(UploadError::Unknown)?;
        let stored = self.objects().list_parts(&store).await?;
        let parts = stored.map(|stored| check_parts(&upload, &completion.parts, &stored));
        let parts = parts.transpose()?;
        if let Some(receipt) = self.announce(&sender, &upload).await? {
            return Ok(receipt);
        }
        // False, or no parts: it was completed before. Whether it was, its object tells.
        if let Some(parts) = parts
            && let Err(error) = self.objects().complete_upload(&store, &parts).await
        {
            // Whatever was wrong with a part: it can be sent again.
            self.reopen(actor.tenant, upload_id).await?;
            return Err(error.into());
        }
        match self.verify(&upload, &store.key, completion.sha256).await {
            Ok(media_type) => self.finish(&sender, &upload, media_type, completion.sha256).await,
            Err(error) => self.fail(actor.tenant, &upload, error).await,
        }
    }

    /// What stands in the row, before anything is asked of the store.
    async fn standing(&self, sender: &Sender<'_>, id: Uuid) -> Result<Standing, UploadError> {
        let author = sender.author;
        let mut tx = match self.receiver.db.tenant_once(author.tenant, sender.claim).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Ok(Standing::Over(Receipt::Before(kept))),
        };
        let found = match find_reached(&mut tx, &author.reader, id).await {
            Ok(upload) => match answered(&upload) {
                Some(receipt) => receipt.map(Standing::Over),
                None => match self.receiver.flags.require(&mut tx, Flag::Uploads).await {
                    Ok(()) => Ok(Standing::Open(Box::new(upload))),
                    Err(error) => Err(error.into()),
                },
            },
            Err(error) => Err(error),
        };
        // At once: the request's own next transaction takes the same key. Of two faults the first is the one to tell.
        drop(tx.rollback().await);
        found
    }

    /// Announces the original. The receipt when somebody was faster.
    async fn announce(
        &self,
        sender: &Sender<'_>,
        upload: &Upload,
    ) -> Result<Option<Receipt>, UploadError> {
        let tenant = sender.author.tenant;
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let upload = tx.lock_upload(upload.upload_id).await?.ok_or(UploadError::Unknown)?;
        if let Some(receipt) = answered(&upload) {
            return receipt.map(Some);
        }
        // One that somebody began to complete was announced then, and stays so until it expires.
        tx.settle_original(upload.version_id).await?;
        tx.announce_original(upload.version_id).await?;
        tx.begin_completing(upload.upload_id).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Lets parts come again, after the store did not make an object of those there are.
    async fn reopen(&self, tenant: TenantId, upload_id: Uuid) -> Result<(), UploadError> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        tx.reopen_upload(upload_id).await?;
        Ok(tx.commit().await?)
    }

    /// What kind of file it is, when it is the one that was to come.
    async fn verify(
        &self,
        upload: &Upload,
        key: &ObjectKey,
        sha256: [u8; 32],
    ) -> Result<MediaType, UploadError> {
        let survey = match Survey::of(self.objects().as_ref(), key).await {
            Err(ObjectError::Missing(_)) => return Err(UploadError::lost()),
            survey => survey?,
        };
        let failed =
            |code: &str, detail: String| Err(UploadError::Failed { code: code.to_owned(), detail });
        if i64::try_from(survey.size()) != Ok(upload.size_bytes) {
            let detail = format!(
                "the file has {} bytes and was to have {}; nothing was kept, begin another upload",
                survey.size(),
                upload.size_bytes
            );
            return failed("size_mismatch", detail);
        }
        if survey.sha256() != sha256 {
            let detail = format!(
                "the SHA-256 of what arrived is {} and not {}; nothing was kept, begin another upload",
                hex::encode(survey.sha256()),
                hex::encode(sha256)
            );
            return failed("checksum_mismatch", detail);
        }
        let declared = upload.declared_type.as_deref();
        survey.media_type(&upload.name, declared).map_err(|error| UploadError::unreadable(&error))
    }

    /// Makes the document and notes the answer, in one transaction.
    async fn finish(
        &self,
        sender: &Sender<'_>,
        upload: &Upload,
        media_type: MediaType,
        sha256: [u8; 32],
    ) -> Result<Receipt, UploadError> {
        let tenant = sender.author.tenant;
        let version = NewVersion {
            version_id: upload.version_id,
            document_id: new_id(),
            media_type: media_type::to_row(media_type).to_owned(),
            size_bytes: upload.size_bytes,
            content_sha256: sha256.to_vec(),
            object_key: ObjectKey::original(tenant, upload.version_id).as_str().to_owned(),
            created_by: Some(upload.created_by),
            original_version_id: None,
        };
        let mut stored = self.store(sender, upload, version.clone()).await;
        for _ in 0..db::RETRIES {
            let Err(UploadError::Receive(ReceiveError::Database(error))) = &stored else { break };
            if !error.met_another() {
                break;
            }
            stored = self.store(sender, upload, version.clone()).await;
        }
        match stored {
            Ok((receipt, is_new_version)) => {
                if !is_new_version {
                    self.receiver.discard(tenant, upload.version_id).await;
                }
                self.receiver.wake_worker();
                Ok(receipt)
            }
            Err(UploadError::Unknown) => {
                self.receiver.discard(tenant, upload.version_id).await;
                Err(UploadError::Unknown)
            }
            Err(UploadError::Receive(ReceiveError::UnknownCollection)) => {
                let error = UploadError::Failed {
                    code: "collection_gone".to_owned(),
                    detail: "the collection is gone; begin another upload into one that there is"
                        .to_owned(),
                };
                self.fail(tenant, upload, error).await
            }
            Err(UploadError::Receive(ReceiveError::GivenUp)) => {
                self.fail(tenant, upload, UploadError::lost()).await
            }
            // It may pass: who completes again goes on from here.
            Err(error) => Err(error),
        }
    }

    /// The receipt, and whether the object is the original of a version now.
    async fn store(
        &self,
        sender: &Sender<'_>,
        upload: &Upload,
        version: NewVersion,
    ) -> Result<(Receipt, bool), UploadError> {
        let mut tx = match self.receiver.db.tenant_once(sender.author.tenant, sender.claim).await? {
            Begun::Anew(tx) => tx,
            // Whoever was faster has made the version of this very object.
            Begun::Before(kept) => return Ok((Receipt::Before(kept), true)),
        };
        let new = NewDocument {
            place: Place::Collection(upload.collection_id),
            name: upload.name.clone(),
            format_name: None,
            declared_type: upload.declared_type.clone(),
            source_url: upload.source_url.clone(),
            metadata: upload.metadata.clone(),
            bytes: Vec::new(),
            created_by: Some(upload.created_by),
            sole_source: None,
        };
        let written = async {
            let locked = tx.lock_upload(upload.upload_id).await?.ok_or(UploadError::Unknown)?;
            if let Some(receipt) = answered(&locked) {
                return receipt.map(Err);
            }
            let (outcome, is_new_version) = write(&mut tx, sender, &new, version).await?;
            tx.finish_upload(upload.upload_id, &outcome).await?;
            Ok(Ok((outcome, is_new_version)))
        };
        match written.await {
            Ok(Ok((outcome, is_new_version))) => {
                tx.commit_outcome(&outcome).await?;
                Ok((Receipt::Now(outcome), is_new_version))
            }
            Ok(Err(receipt)) => {
                drop(tx.rollback().await);
                Ok((receipt, true))
            }
            Err(error) => {
                // At once: the next try takes the same key. Of two faults the first is the one to tell.
                drop(tx.rollback().await);
                Err(error)
            }
        }
    }

    /// Notes why there will be no document, and has the object removed. Whatever may pass is only told.
    async fn fail(
        &self,
        tenant: TenantId,
        upload: &Upload,
        error: UploadError,
    ) -> Result<Receipt, UploadError> {
        let UploadError::Failed { code, detail } = &error else { return Err(error) };
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let locked = tx.lock_upload(upload.upload_id).await?.ok_or(UploadError::Unknown)?;
        if let Some(receipt) = answered(&locked) {
            return receipt;
        }
        tx.fail_upload(upload.upload_id, code, detail).await?;
        tx.settle_original(upload.version_id).await?;
        tx.enqueue(REMOVE_ORIGINAL, upload.version_id).await?;
        tx.commit().await?;
        self.receiver.wake_worker();
        // The store may have made nothing of the parts yet. What can not be removed now is removed when the upload expires.
        if let Err(error) = self.abort(tenant, &locked).await {
            told_later(&error);
        }
        Err(error)
    }
}

/// The answer of an upload that is at its end.
fn answered(upload: &Upload) -> Option<Result<Receipt, UploadError>> {
    if let Some(error) = upload.failure() {
        return Some(Err(error));
    }
    if upload.state == "completed" {
        let status = upload.answer_status.and_then(|status| u16::try_from(status).ok());
        let status = status.unwrap_or_default();
        let outcome = Outcome { status, body: upload.answer.clone(), ..Outcome::default() };
        return Some(Ok(Receipt::Before(Kept { outcome, at: clock::now() })));
    }
    upload.is_expired().then(|| Err(UploadError::Expired(upload.expires_at)))
}

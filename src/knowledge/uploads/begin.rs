//! Begins an upload: a row first, so that the store never holds what nobody knows of; told to the sender last.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Upload, UploadError, Uploads, find_reached};
use crate::adapters::objects::ObjectKey;
use crate::db::TenantTx;
use crate::db::idempotency::{Begun, Claim, Outcome};
use crate::governance::Flag;
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::place::default_collection;
use crate::knowledge::reach::Reach;
use crate::knowledge::receive_document::ReceiveError;

/// Time that the store has to begin an upload: one that it did not hear of takes nobody's place for longer.
const OPENING: Duration = Duration::from_secs(15 * 60);

/// A large file that somebody wants to send.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Collection; the one named "default" when absent, which is made when needed.
    pub collection_id: Option<Uuid>,
    /// File name or path, unique within the collection.
    pub name: String,
    /// Media type that the sender declares.
    pub declared_type: Option<String>,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object, for filters.
    pub metadata: Option<Value>,
    /// Size of the file, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the file, where it is known already.
    pub sha256: Option<[u8; 32]>,
}

/// An upload that was begun, now or before under the same key.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The upload.
    pub upload: Upload,
    /// Whether it was there already.
    pub replayed: bool,
}

impl Uploads {
    /// Begins an upload: with a claim, once for its key. Addresses of parts are secrets of a kind, so that only the upload's id
    /// is kept with the key, and addresses are signed again for whoever asks again.
    ///
    /// # Errors
    /// See [`UploadError`]; nothing is kept then.
    pub async fn begin(
        &self,
        actor: &Actor,
        new: NewUpload,
        claim: Option<&Claim>,
    ) -> Result<Begin, UploadError> {
        if new.size_bytes > self.settings.max_bytes {
            return Err(UploadError::TooLarge(self.settings.max_bytes));
        }
        if self.signer.is_none() && !self.objects().takes_parts() {
            return Err(UploadError::NoSecret);
        }
        match self.receiver.db.tenant_once(actor.tenant, claim).await? {
            Begun::Before(kept) => return self.begun_before(actor, &kept.outcome).await,
            // The key is taken when there is something to tell of: nothing is, before the store has begun the upload.
            Begun::Anew(tx) => tx.rollback().await?,
        }
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let upload = self.admit(&mut tx, actor, new).await?;
        tx.commit().await?;
        let begun = self.open(actor, &upload, claim).await;
        // Another request with the same key was first, or it failed.
        if !begun.as_ref().is_ok_and(|begun| begun.upload.upload_id == upload.upload_id) {
            self.forget(actor.tenant, &upload).await;
        }
        begun
    }

    /// Stores the row, as far as limits let it.
    async fn admit(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        new: NewUpload,
    ) -> Result<Upload, UploadError> {
        self.receiver.flags.require(tx, Flag::Uploads).await?;
        let collection_id = match new.collection_id {
            Some(id) if tx.find_collection(id).await?.is_some() => id,
            Some(_) => return Err(ReceiveError::UnknownCollection.into()),
            None => default_collection(tx, &actor.into())
                .await?
                .ok_or(ReceiveError::UnknownCollection)?,
        };
        if !Reach::of(tx, &actor.into()).await?.holds(collection_id) {
            return Err(ReceiveError::UnknownCollection.into());
        }
        let most = self.settings.max_open;
        if tx.count_uploads(OPENING).await? >= i64::from(most) {
            return Err(UploadError::TooMany(most));
        }
        let now = clock::now();
        let lifetime = TimeDelta::from_std(self.settings.lifetime).unwrap_or(TimeDelta::days(1));
        let upload = Upload {
            upload_id: new_id(),
            version_id: new_id(),
            collection_id,
            name: new.name,
            declared_type: new.declared_type,
            source_url: new.source_url,
            metadata: new.metadata,
            size_bytes: i64::try_from(new.size_bytes).unwrap_or(i64::MAX),
            part_bytes: i64::try_from(self.settings.part_bytes).unwrap_or(i64::MAX),
            declared_sha256: new.sha256.map(|digest| digest.to_vec()),
            store_id: None,
            state: "opening".to_owned(),
            failure_code: None,
            failure_detail: None,
            answer_status: None,
            answer: None,
            created_by: actor.id(),
            created_at: now,
            expires_at: now + lifetime,
        };
        tx.insert_upload(&upload).await?;
        Ok(upload)
    }

    /// Has the store begin it, and tells of it.
    async fn open(
        &self,
        actor: &Actor,
        upload: &Upload,
        claim: Option<&Claim>,
    ) -> Result<Begin, UploadError> {
        let key = ObjectKey::original(actor.tenant, upload.version_id);
        let sha256 = upload.declared_sha256.as_deref().and_then(|digest| digest.try_into().ok());
        let store_id = self.objects().begin_upload(&key, sha256).await?;
        let upload =
            Upload { store_id: Some(store_id), state: "open".to_owned(), ..upload.clone() };
        self.note_opened(actor, &upload, claim).await
    }

    async fn note_opened(
        &self,
        actor: &Actor,
        upload: &Upload,
        claim: Option<&Claim>,
    ) -> Result<Begin, UploadError> {
        let mut tx = match self.receiver.db.tenant_once(actor.tenant, claim).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return self.begun_before(actor, &kept.outcome).await,
        };
        let store_id = upload.store_id.as_deref().unwrap_or_default();
        if !tx.open_upload(upload.upload_id, store_id).await? {
            return Err(UploadError::Unknown);
        }
        let entry = actor.audit("upload.created").on("upload", upload.upload_id);
        let told = json!({
            "collection_id": upload.collection_id,
            "name": upload.name,
            "size_bytes": upload.size_bytes,
        });
        tx.append_audit(entry.after(told)).await?;
        let body = Some(json!({ "id": upload.upload_id }).to_string());
        tx.commit_outcome(&Outcome { status: 201, body, ..Outcome::default() }).await?;
        Ok(Begin { upload: upload.clone(), replayed: false })
    }

    /// The upload that was begun under the same key.
    async fn begun_before(&self, actor: &Actor, kept: &Outcome) -> Result<Begin, UploadError> {
        let told: Value =
            serde_json::from_str(kept.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let id = told["id"].as_str().and_then(|id| id.parse().ok()).ok_or(UploadError::Unknown)?;
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        Ok(Begin { upload: find_reached(&mut tx, &actor.into(), id).await?, replayed: true })
    }
}

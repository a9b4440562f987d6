//! Large files: sent in parts past the service, straight to the store of originals where it takes them.
//!
//! An upload is begun, its parts are sent to addresses that are signed, and it is completed with the digest of the whole. Only
//! then is there a document, as from any file that was sent at once.

mod begin;
mod complete;
mod end;
mod parts;
mod survey;
mod token;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::begin::NewUpload;
pub use self::complete::{Completion, NamedPart};
pub use self::parts::PlacedPart;
pub use self::token::PartSigner;
use super::parse::ParseError;
use super::reach::{Reach, Reader};
use super::receive_document::{ReceiveError, Receiver};
pub use super::store::uploads::Upload;
use crate::adapters::objects::{ObjectError, ObjectKey, Objects, StoreUpload};
use crate::db::{self, Keyset, Page, TenantTx};
use crate::governance::FlagError;
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::TenantId;

/// Limits of uploads.
#[derive(Clone, Debug)]
pub struct UploadSettings {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Size of each part but the last one, in bytes.
    pub part_bytes: u64,
    /// Most uploads of a tenant that go on at once.
    pub max_open: u32,
    /// How long an upload may take.
    pub lifetime: Duration,
    /// How long the address of a part is good.
    pub url_lifetime: Duration,
    /// Address of this server as its clients see it.
    pub public_url: Option<String>,
}

/// Why nothing came of a request about an upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is none of this id.
    #[error("there is no such upload")]
    Unknown,
    /// The file is too large.
    #[error("must be at most {0}: larger files are not taken")]
    TooLarge(u64),
    /// One too many.
    #[error(
        "the tenant has {0} uploads that go on, which is the most; list them with GET /v1/uploads, and complete or delete one first"
    )]
    TooMany(u32),
    /// Its time is over.
    #[error("the upload expired at {0}; begin another one")]
    Expired(DateTime<Utc>),
    /// It is not open any more.
    #[error("the upload is {0}, so that no part of it is taken")]
    NotOpen(String),
    /// It made a document, which is deleted as one.
    #[error("the upload is completed; delete the document instead")]
    Completed,
    /// It failed, now or before.
    #[error("{detail}")]
    Failed {
        /// For programs.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// A value of the request is not acceptable.
    #[error("{detail}")]
    Invalid {
        /// Where.
        pointer: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// The address of a part was made by somebody else, or its time is over.
    #[error(
        "the address of the part is not good any more; get the upload again, which gives a new one"
    )]
    BadToken,
    /// Nothing can be signed.
    #[error("this installation signs no addresses: the operator sets PIDIMA_SIGNING_SECRET")]
    NoSecret,
    /// An address can not be signed.
    #[error("an address can not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// As for every document.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

impl From<db::Error> for UploadError {
    fn from(error: db::Error) -> Self {
        Self::Receive(error.into())
    }
}

impl From<ObjectError> for UploadError {
    fn from(error: ObjectError) -> Self {
        Self::Receive(error.into())
    }
}

impl From<FlagError> for UploadError {
    fn from(error: FlagError) -> Self {
        Self::Receive(error.into())
    }
}

impl UploadError {
    fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.into() }
    }

    /// The bytes are gone, and nobody knows where.
    fn lost() -> Self {
        Self::Failed {
            code: "parts_lost".to_owned(),
            detail: "the store has the parts no more; begin another upload".to_owned(),
        }
    }

    /// The file can not be read at all.
    fn unreadable(error: &ParseError) -> Self {
        let code = match error {
            ParseError::UnsupportedType { .. } | ParseError::TypeMismatch { .. } => {
                "unsupported_media_type"
            }
            _ => "unreadable",
        };
        Self::Failed { code: code.to_owned(), detail: error.to_string() }
    }
}

/// Takes large files.
#[derive(Clone)]
pub struct Uploads {
    receiver: Receiver,
    settings: UploadSettings,
    signer: Option<PartSigner>,
}

impl Uploads {
    /// Uploads whose documents are made by `receiver`. Where the store takes no parts itself, `signer` signs addresses of ours.
    pub fn new(receiver: Receiver, settings: UploadSettings, signer: Option<PartSigner>) -> Self {
        Self { receiver, settings, signer }
    }

    fn objects(&self) -> &Arc<dyn Objects> {
        &self.receiver.objects
    }

    /// An upload that the actor may see.
    ///
    /// # Errors
    /// [`UploadError::Unknown`], or the database failed.
    pub async fn find(&self, actor: &Actor, upload_id: Uuid) -> Result<Upload, UploadError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        find_reached(&mut tx, &actor.into(), upload_id).await
    }

    /// Uploads that the actor may see, newest first; in this state only, where one is given.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(
        &self,
        actor: &Actor,
        state: Option<&str>,
        keyset: Keyset,
    ) -> db::Result<Page<Upload>> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        tx.list_uploads(&reach, state, clock::now(), keyset).await
    }
}

impl Upload {
    /// Whether parts are taken.
    pub fn is_open(&self) -> bool {
        self.state == "open" && !self.is_expired()
    }

    /// Whether its time is over and it came to no end.
    pub fn is_expired(&self) -> bool {
        self.expires_at <= clock::now() && !matches!(self.state.as_str(), "completed" | "failed")
    }

    /// How many parts it has.
    pub fn part_count(&self) -> u32 {
        let parts = (self.size_bytes + self.part_bytes - 1) / self.part_bytes;
        u32::try_from(parts).unwrap_or(u32::MAX)
    }

    /// Size of a part, from 1.
    pub fn part_size(&self, number: u32) -> u64 {
        let before = self.part_bytes.saturating_mul(i64::from(number) - 1);
        u64::try_from((self.size_bytes - before).min(self.part_bytes)).unwrap_or_default()
    }

    /// Why it failed.
    fn failure(&self) -> Option<UploadError> {
        let code = self.failure_code.clone()?;
        Some(UploadError::Failed { code, detail: self.failure_detail.clone().unwrap_or_default() })
    }

    /// As the store knows it, once it does.
    fn at_store(&self, tenant: TenantId) -> Option<StoreUpload> {
        let key = ObjectKey::original(tenant, self.version_id);
        Some(StoreUpload { key, id: self.store_id.clone()? })
    }
}

/// An upload within reach, of which somebody was told.
async fn find_reached(
    tx: &mut TenantTx,
    reader: &Reader,
    upload_id: Uuid,
) -> Result<Upload, UploadError> {
    let found = tx.find_upload(upload_id).await?;
    let upload = found.filter(|upload| upload.state != "opening").ok_or(UploadError::Unknown)?;
    let is_reached = Reach::of(tx, reader).await?.holds(upload.collection_id);
    if is_reached { Ok(upload) } else { Err(UploadError::Unknown) }
}

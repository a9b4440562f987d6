//! Where originals of documents and files of dumps lie. Keys lead with the tenant; a key is made by [`ObjectKey`] and by nothing else.

mod directory;
mod downloads;
mod s3;
mod uploads;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

pub use directory::DirectoryObjects;
pub use downloads::Download;
pub use s3::{S3Objects, S3Settings};
pub use uploads::{PartPlace, StoreUpload, StoredPart, WantedPart};

use crate::kernel::ids::TenantId;

/// Address of an object: `t/<tenant>/versions/<version>`, or `t/<tenant>/dumps/<files>.<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The original of a document's version.
    pub fn original(tenant: TenantId, version_id: Uuid) -> Self {
        Self(format!("t/{tenant}/versions/{version_id}"))
    }

    /// A file of a dump; `files_id` is that of the attempt which writes it.
    pub fn dump(tenant: TenantId, files_id: Uuid, name: &str) -> Self {
        Self(format!("t/{tenant}/dumps/{files_id}.{name}"))
    }

    /// The key as stored in a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What went wrong with an object.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no object of that key.
    #[error("there is no object {0}")]
    Missing(ObjectKey),
    /// The store can not be reached or refused: worth trying again.
    #[error("the object store failed at {key}")]
    Store {
        /// Object that was asked for.
        key: ObjectKey,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The store as a whole can not be used.
    #[error("the object store can not be used")]
    Away {
        /// Cause.
        #[source]
        source: std::io::Error,
    },
}

/// A store of immutable objects.
#[async_trait]
pub trait Objects: Send + Sync + 'static {
    /// Stores an object; storing the same key again replaces it.
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError>;
    /// Reads an object whole.
    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError>;
    /// Reads an object piece by piece, of which none is kept.
    async fn scan(
        &self,
        key: &ObjectKey,
        see: &mut (dyn for<'a> FnMut(&'a [u8]) + Send),
    ) -> Result<(), ObjectError>;
    /// Reads so many bytes from an offset that is inside the object; fewer where it ends before.
    async fn read(&self, key: &ObjectKey, offset: u64, length: u64) -> Result<Bytes, ObjectError>;
    /// Makes an object of another one's bytes, by the store itself. [`ObjectError::Missing`] when the other one is not there.
    async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), ObjectError>;
    /// An address at which anybody can read an object for a while; none where the store has no addresses of its own.
    async fn sign_download(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Option<String>, ObjectError>;
    /// Removes an object; one that is not there is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError>;
    /// Begins an object that is sent in parts; the store's own id of the upload. `sha256` is that of the whole, where it is
    /// known.
    async fn begin_upload(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
    ) -> Result<String, ObjectError>;
    /// Whether parts can be sent to the store itself.
    fn takes_parts(&self) -> bool;
    /// Where a part is to be sent.
    async fn place_part(
        &self,
        upload: &StoreUpload,
        part: WantedPart,
    ) -> Result<PartPlace, ObjectError>;
    /// Stores a part; its mark, without quotes. The same number again replaces it. [`ObjectError::Missing`] when there is no
    /// such upload.
    async fn put_part(
        &self,
        upload: &StoreUpload,
        number: u32,
        bytes: Bytes,
    ) -> Result<String, ObjectError>;
    /// The parts there are, by number; none when there is no such upload: it was completed, or given up.
    async fn list_parts(
        &self,
        upload: &StoreUpload,
    ) -> Result<Option<Vec<StoredPart>>, ObjectError>;
    /// Makes the object of these parts. False when there is no such upload.
    async fn complete_upload(
        &self,
        upload: &StoreUpload,
        parts: &[StoredPart],
    ) -> Result<bool, ObjectError>;
    /// Removes an upload with its parts; one that is not there is fine. Without an id, every upload of the key: one that was
    /// begun while its id got lost.
    async fn abort_upload(&self, key: &ObjectKey, id: Option<&str>) -> Result<(), ObjectError>;
    /// Whether the store is there and lets us in.
    async fn check(&self) -> Result<(), ObjectError>;
}

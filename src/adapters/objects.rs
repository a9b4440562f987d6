//! Where originals of documents lie. Keys lead with the tenant; a key is made by [`ObjectKey`] and by nothing else.

mod directory;
mod s3;

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

pub use directory::DirectoryObjects;
pub use s3::{S3Objects, S3Settings};

use crate::kernel::ids::TenantId;

/// Address of an object: `t/<tenant>/versions/<version>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The original of a document's version.
    pub fn original(tenant: TenantId, version_id: Uuid) -> Self {
        Self(format!("t/{tenant}/versions/{version_id}"))
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
    /// Removes an object; one that is not there is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError>;
    /// Whether the store is there and lets us in.
    async fn check(&self) -> Result<(), ObjectError>;
}

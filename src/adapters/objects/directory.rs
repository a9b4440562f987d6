//! Objects as files of a folder: the embedded default.

use std::io::ErrorKind;
use std::path::PathBuf;

use async_trait::async_trait;
use uuid::Uuid;

use super::{ObjectError, ObjectKey, Objects};

/// A folder that keeps objects.
#[derive(Clone, Debug)]
pub struct DirectoryObjects {
    root: PathBuf,
}

impl DirectoryObjects {
    /// Objects under `root`, which is made when first needed.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }
}

#[async_trait]
impl Objects for DirectoryObjects {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let path = self.path(key);
        // Written beside and renamed: a reader never sees half an object, also after a crash.
        let partial = path.with_extension(format!("{}.part", Uuid::new_v4().simple()));
        let write = async {
            if let Some(folder) = path.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            tokio::fs::write(&partial, bytes).await?;
            tokio::fs::rename(&partial, &path).await
        };
        write.await.map_err(|source| ObjectError::Store { key: key.clone(), source })
    }

    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        tokio::fs::read(self.path(key)).await.map_err(|source| match source.kind() {
            ErrorKind::NotFound => ObjectError::Missing(key.clone()),
            _ => ObjectError::Store { key: key.clone(), source },
        })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        match tokio::fs::remove_file(self.path(key)).await {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(ObjectError::Store { key: key.clone(), source })
            }
            _ => Ok(()),
        }
    }

    async fn check(&self) -> Result<(), ObjectError> {
        let probe = self.root.join(format!("probe-{}.part", Uuid::new_v4().simple()));
        let written = async {
            tokio::fs::create_dir_all(&self.root).await?;
            tokio::fs::write(&probe, b"").await?;
            tokio::fs::remove_file(&probe).await
        };
        written.await.map_err(|source| ObjectError::Away { source })
    }
}

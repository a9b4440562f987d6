//! Objects as files of a folder: the embedded default.

mod parts;

use std::io::{ErrorKind, SeekFrom};
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use uuid::Uuid;

use super::{
    Download, ObjectError, ObjectKey, Objects, PartPlace, StoreUpload, StoredPart, WantedPart,
};

/// Bytes of an object that are read at once.
const PIECE: usize = 64 << 10;
/// Id of every upload here: the key alone says where its parts lie.
const UPLOAD: &str = "parts";
/// Ending of a copy that is being written.
const COPY: &str = "copy";

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

    fn parts(&self, upload: &StoreUpload) -> PathBuf {
        parts::folder_of(&self.path(&upload.key))
    }
}

/// What is wrong with an object, or that there is none.
fn fault(key: &ObjectKey, source: std::io::Error) -> ObjectError {
    match source.kind() {
        ErrorKind::NotFound => ObjectError::Missing(key.clone()),
        _ => ObjectError::Store { key: key.clone(), source },
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
        tokio::fs::read(self.path(key)).await.map_err(|source| fault(key, source))
    }

    async fn scan(
        &self,
        key: &ObjectKey,
        see: &mut (dyn for<'a> FnMut(&'a [u8]) + Send),
    ) -> Result<(), ObjectError> {
        let read = async {
            let mut file = tokio::fs::File::open(self.path(key)).await?;
            let mut piece = vec![0; PIECE];
            loop {
                match file.read(&mut piece).await? {
                    0 => return Ok(()),
                    length => see(&piece[..length]),
                }
            }
        };
        read.await.map_err(|source| fault(key, source))
    }

    async fn read(&self, key: &ObjectKey, offset: u64, length: u64) -> Result<Bytes, ObjectError> {
        let read = async {
            let mut file = tokio::fs::File::open(self.path(key)).await?;
            file.seek(SeekFrom::Start(offset)).await?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes).await?;
            Ok(Bytes::from(bytes))
        };
        read.await.map_err(|source| fault(key, source))
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), ObjectError> {
        let (old, new) = (self.path(from), self.path(to));
        // Beside and renamed, as what is put. Its name is known to whoever removes the object: a copy goes on in its thread when
        // its caller has left.
        let partial = new.with_extension(COPY);
        let copied = async {
            if let Some(folder) = new.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            tokio::fs::copy(&old, &partial).await?;
            tokio::fs::rename(&partial, &new).await
        };
        if let Err(source) = copied.await {
            drop(tokio::fs::remove_file(&partial).await);
            return Err(fault(from, source));
        }
        Ok(())
    }

    async fn sign_download(
        &self,
        _key: &ObjectKey,
        _download: &Download,
    ) -> Result<Option<String>, ObjectError> {
        Ok(None)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let path = self.path(key);
        for path in [path.with_extension(COPY), path] {
            match tokio::fs::remove_file(path).await {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(ObjectError::Store { key: key.clone(), source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn begin_upload(
        &self,
        key: &ObjectKey,
        _sha256: Option<[u8; 32]>,
    ) -> Result<String, ObjectError> {
        let upload = StoreUpload { key: key.clone(), id: UPLOAD.to_owned() };
        let made = tokio::fs::create_dir_all(self.parts(&upload)).await;
        made.map_err(|source| ObjectError::Store { key: key.clone(), source })?;
        Ok(upload.id)
    }

    fn takes_parts(&self) -> bool {
        false
    }

    async fn place_part(
        &self,
        _upload: &StoreUpload,
        _part: WantedPart,
    ) -> Result<PartPlace, ObjectError> {
        Ok(PartPlace::Own)
    }

    async fn put_part(
        &self,
        upload: &StoreUpload,
        number: u32,
        bytes: Bytes,
    ) -> Result<String, ObjectError> {
        let stored = parts::put(&self.parts(upload), number, bytes).await;
        stored.map_err(|source| fault(&upload.key, source))
    }

    async fn list_parts(
        &self,
        upload: &StoreUpload,
    ) -> Result<Option<Vec<StoredPart>>, ObjectError> {
        parts::list(&self.path(&upload.key)).await.map_err(|source| fault(&upload.key, source))
    }

    async fn complete_upload(
        &self,
        upload: &StoreUpload,
        parts: &[StoredPart],
    ) -> Result<bool, ObjectError> {
        let joined = parts::join(&self.path(&upload.key), parts).await;
        joined.map_err(|source| ObjectError::Store { key: upload.key.clone(), source })
    }

    async fn abort_upload(&self, key: &ObjectKey, _id: Option<&str>) -> Result<(), ObjectError> {
        let removed = parts::remove(&parts::folder_of(&self.path(key))).await;
        removed.map_err(|source| fault(key, source))
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

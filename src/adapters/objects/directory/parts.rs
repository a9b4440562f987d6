//! Parts of objects to come: a folder beside the object, with a file for each part.
//!
//! A file begins with the digest of what follows, so that a list of parts need not read them. The folder is made when an upload
//! begins and by nothing else: a part that comes too late finds none.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::super::StoredPart;

/// Bytes of a digest.
const DIGEST: usize = 32;
/// How often a folder is removed again into which somebody wrote meanwhile.
const REMOVALS: usize = 5;

/// The folder of an object's parts.
pub(super) fn folder_of(object: &Path) -> PathBuf {
    object.with_extension("parts")
}

/// Stores a part; its mark. The same number again replaces it.
pub(super) async fn put(folder: &Path, number: u32, bytes: Bytes) -> Result<String> {
    let digest = Sha256::digest(&bytes);
    let partial = folder.join(format!("{}.part", Uuid::new_v4().simple()));
    let written = async {
        let mut file = File::create(&partial).await?;
        file.write_all(&digest).await?;
        file.write_all(&bytes).await?;
        file.flush().await?;
        tokio::fs::rename(&partial, folder.join(number.to_string())).await
    };
    if let Err(error) = written.await {
        // It is there only where the folder is.
        drop(tokio::fs::remove_file(&partial).await);
        return Err(error);
    }
    Ok(hex::encode(digest))
}

/// The parts there are, by number; none when there is no folder, or the object is there already.
pub(super) async fn list(object: &Path) -> Result<Option<Vec<StoredPart>>> {
    let folder = folder_of(object);
    let listed = list_folder(&folder).await;
    if tokio::fs::try_exists(object).await? {
        // Somebody is removing them at this moment, or died before.
        remove(&folder).await?;
        return Ok(None);
    }
    listed
}

async fn list_folder(folder: &Path) -> Result<Option<Vec<StoredPart>>> {
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut parts = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue; // Being written.
        };
        let (mut file, size) = open(&entry.path()).await?;
        let etag = hex::encode(digest_of(&mut file).await?);
        parts.push(StoredPart { number, etag, size });
    }
    parts.sort_by_key(|part| part.number);
    Ok(Some(parts))
}

/// Makes the object of its parts, in their order, and then removes the folder. False when somebody else has done so, or there
/// is no folder.
pub(super) async fn join(object: &Path, parts: &[StoredPart]) -> Result<bool> {
    let folder = folder_of(object);
    if !tokio::fs::try_exists(&folder).await? {
        return Ok(false);
    }
    // Written beside and renamed: a reader never sees half an object, also after a crash.
    let partial = object.with_extension(format!("{}.part", Uuid::new_v4().simple()));
    let written = async {
        let mut whole = File::create(&partial).await?;
        for part in parts {
            let (mut file, _) = open(&folder.join(part.number.to_string())).await?;
            if hex::encode(digest_of(&mut file).await?) != part.etag {
                let told = format!("part {} is not the one that was listed", part.number);
                return Err(Error::new(ErrorKind::InvalidData, told));
            }
            tokio::io::copy(&mut file, &mut whole).await?;
        }
        whole.flush().await?;
        tokio::fs::rename(&partial, object).await
    };
    if let Err(error) = written.await {
        drop(tokio::fs::remove_file(&partial).await);
        let was_slower =
            error.kind() == ErrorKind::NotFound && tokio::fs::try_exists(object).await?;
        return if was_slower { Ok(false) } else { Err(error) };
    }
    remove(&folder).await?;
    Ok(true)
}

/// Removes the folder; one that is not there is fine.
pub(super) async fn remove(folder: &Path) -> Result<()> {
    for _ in 0..REMOVALS {
        match tokio::fs::remove_dir_all(folder).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            done => return done,
        }
    }
    Err(Error::new(ErrorKind::DirectoryNotEmpty, "parts are still being written"))
}

/// A part's file, and the size of the part.
async fn open(path: &Path) -> Result<(File, u64)> {
    let file = File::open(path).await?;
    let size = file.metadata().await?.len().saturating_sub(DIGEST as u64);
    Ok((file, size))
}

async fn digest_of(file: &mut File) -> Result<[u8; DIGEST]> {
    let mut digest = [0; DIGEST];
    file.read_exact(&mut digest).await?;
    Ok(digest)
}

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
/// is no folder. An object that is there stays as it is: it may be the original of a version already.
pub(super) async fn join(object: &Path, parts: &[StoredPart]) -> Result<bool> {
    let folder = folder_of(object);
    if !tokio::fs::try_exists(&folder).await? {
        return Ok(false);
    }
    // Written beside: a reader never sees half an object, also after a crash. Among the parts: whoever removes them removes what
    // one leaves here that is stopped in the middle.
    let partial = folder.join(format!("{}.whole", Uuid::new_v4().simple()));
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
        publish(&partial, object).await
    };
    let published = written.await;
    // It has another name now, or is of no use.
    drop(tokio::fs::remove_file(&partial).await);
    let is_ours = match published {
        // Whoever was faster has removed the parts.
        Err(_) if tokio::fs::try_exists(object).await? => false,
        published => published?,
    };
    remove(&folder).await?;
    Ok(is_ours)
}

/// Gives a file the object's name, unless it is taken: of several who do so at once one is first, and the others get false.
async fn publish(partial: &Path, object: &Path) -> Result<bool> {
    match tokio::fs::hard_link(partial, object).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        // Not every file system has links. Where there are none, two that look at the same moment both write: the same bytes.
        Err(error)
            if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) =>
        {
            if tokio::fs::try_exists(object).await? {
                return Ok(false);
            }
            tokio::fs::rename(partial, object).await.map(|()| true)
        }
        Err(error) => Err(error),
    }
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

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    async fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("pidima-parts-{}", Uuid::new_v4()));
        tokio::fs::create_dir_all(&folder).await.expect("a folder");
        folder
    }

    #[tokio::test]
    async fn an_object_that_is_there_is_not_replaced() {
        let folder = folder().await;
        let object = folder.join("object");
        for (number, words) in ["first", "second"].into_iter().enumerate() {
            let partial = folder.join(format!("{number}.part"));
            tokio::fs::write(&partial, words).await.expect("a file");
            assert_eq!(publish(&partial, &object).await.expect("published"), number == 0);
            assert_eq!(tokio::fs::read(&object).await.expect("the object"), b"first");
        }
        tokio::fs::remove_dir_all(&folder).await.expect("removed");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_several_who_join_at_once_one_does_and_all_end_well() {
        let root = folder().await;
        for round in 0..20 {
            let object = root.join(format!("object-{round}"));
            let parts = folder_of(&object);
            tokio::fs::create_dir_all(&parts).await.expect("a folder");
            for number in 1..=3_u8 {
                let bytes = Bytes::from(vec![number; 50_000]);
                put(&parts, number.into(), bytes).await.expect("a part");
            }
            let listed = list(&object).await.expect("a list").expect("parts");
            let joined = join_all((0..4).map(|_| join(&object, &listed))).await.into_iter();
            let joined: Vec<bool> = joined.map(|it| it.expect("ends well")).collect();
            assert_eq!(joined.iter().filter(|is_ours| **is_ours).count(), 1, "{joined:?}");
            let whole = tokio::fs::read(&object).await.expect("the object");
            assert_eq!((whole.len(), whole[0], whole[149_999]), (150_000, 1, 3));
            assert!(!parts.exists(), "the parts are gone");
        }
        // Nothing half is left over.
        let mut entries = tokio::fs::read_dir(&root).await.expect("the folder");
        while let Some(entry) = entries.next_entry().await.expect("an entry") {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!name.ends_with(".part"), "{name}");
        }
        tokio::fs::remove_dir_all(&root).await.expect("removed");
    }
}

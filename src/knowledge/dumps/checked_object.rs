//! An object of which each piece that is read is compared with what was written: whoever can write to the store brings nothing in
//! that was never dumped, neither before the first look nor after it.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::attempt::AttemptError;
use super::manifest::FileEntry;
use crate::adapters::objects::{ObjectKey, Objects};

/// Bytes of each block, which has a digest of its own.
const BLOCK: usize = 1 << 20;

/// An object that is as it was written.
pub(super) struct CheckedObject {
    objects: Arc<dyn Objects>,
    key: ObjectKey,
    /// Name of the file, for what is told of it.
    file: &'static str,
    size: u64,
    /// SHA-256 of each block.
    blocks: Arc<Vec<[u8; 32]>>,
}

/// Digests of what was seen of an object.
struct Seen {
    /// Bytes that there should be.
    expected: u64,
    size: u64,
    whole: Sha256,
    block: Sha256,
    /// Bytes until the block ends.
    room: usize,
    blocks: Vec<[u8; 32]>,
}

impl CheckedObject {
    /// Reads an object once, of which only digests are kept.
    ///
    /// # Errors
    /// It is not there, or is another one than was written.
    pub async fn open(
        objects: Arc<dyn Objects>,
        key: ObjectKey,
        file: &'static str,
        written: &FileEntry,
    ) -> Result<Self, AttemptError> {
        let size = written.size_bytes;
        let mut seen = Seen::new(size);
        objects.scan(&key, &mut |piece| seen.add(piece)).await?;
        let is_as_long = seen.size == size;
        let (sha256, blocks) = seen.end();
        if !is_as_long || sha256 != written.sha256 {
            return Err(AttemptError::Damaged { file });
        }
        Ok(Self { objects, key, file, size, blocks: Arc::new(blocks) })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads so many bytes from an offset.
    ///
    /// # Errors
    /// They are not there, or are others than at the first look.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Bytes, AttemptError> {
        let damaged = || AttemptError::Damaged { file: self.file };
        let end = offset.checked_add(length).filter(|end| *end <= self.size);
        let end = end.ok_or_else(damaged)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        // Whole blocks, as the digests are theirs.
        let block = BLOCK as u64;
        let start = offset - offset % block;
        let stop = end.next_multiple_of(block).min(self.size);
        let bytes = self.objects.read(&self.key, start, stop - start).await?;
        if bytes.len() as u64 != stop - start {
            return Err(damaged());
        }
        let (blocks, first) = (Arc::clone(&self.blocks), as_usize(start / block));
        let check = move || is_as_written(&bytes, &blocks[first..]).then_some(bytes);
        let bytes = tokio::task::spawn_blocking(check).await?.ok_or_else(damaged)?;
        Ok(bytes.slice(as_usize(offset - start)..as_usize(end - start)))
    }
}

/// Whether each block has its digest.
fn is_as_written(bytes: &[u8], blocks: &[[u8; 32]]) -> bool {
    let same = |(bytes, sha256): (&[u8], &[u8; 32])| Sha256::digest(bytes)[..] == sha256[..];
    bytes.len().div_ceil(BLOCK) <= blocks.len() && bytes.chunks(BLOCK).zip(blocks).all(same)
}

/// A number of bytes that are in memory, or of blocks whose digests are.
fn as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl Seen {
    fn new(expected: u64) -> Self {
        let (whole, block) = (Sha256::new(), Sha256::new());
        Self { expected, size: 0, whole, block, room: BLOCK, blocks: Vec::new() }
    }

    fn add(&mut self, mut piece: &[u8]) {
        self.size += piece.len() as u64;
        // More than there should be is another object, however long: nothing more is to be known of it.
        if self.size > self.expected {
            return;
        }
        self.whole.update(piece);
        while !piece.is_empty() {
            let (now, rest) = piece.split_at(piece.len().min(self.room));
            self.block.update(now);
            self.room -= now.len();
            if self.room == 0 {
                self.end_block();
            }
            piece = rest;
        }
    }

    fn end_block(&mut self) {
        self.blocks.push(std::mem::take(&mut self.block).finalize().into());
        self.room = BLOCK;
    }

    /// The digest of the whole in hexadecimal digits, and those of the blocks.
    fn end(mut self) -> (String, Vec<[u8; 32]>) {
        if self.room < BLOCK {
            self.end_block();
        }
        (hex::encode(self.whole.finalize()), self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::objects::DirectoryObjects;
    use crate::kernel::ids::{TenantId, new_id};

    /// Bytes of which no two blocks are alike.
    fn bytes(size: usize) -> Vec<u8> {
        (0..size).map(|at| u8::try_from((at / 7 + at / BLOCK) % 251).expect("a byte")).collect()
    }

    fn entry(bytes: &[u8]) -> FileEntry {
        FileEntry {
            name: "a.parquet".to_owned(),
            size_bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
            rows: None,
        }
    }

    #[tokio::test]
    async fn pieces_are_those_that_were_written_and_a_change_at_any_time_is_noticed() {
        let folder = std::env::temp_dir().join(format!("pidima-checked-{}", new_id()));
        let objects: Arc<dyn Objects> = Arc::new(DirectoryObjects::new(folder.clone()));
        let key = ObjectKey::dump(TenantId::generate(), new_id(), "a.parquet");
        for size in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let written = bytes(size);
            let entry = entry(&written);
            objects.put(&key, written.clone()).await.expect("an object");
            let open =
                || CheckedObject::open(Arc::clone(&objects), key.clone(), "a.parquet", &entry);
            let object = open().await.expect("as it was written");
            for (offset, end) in
                [(0, size), (0, 0), (size, size), (size - 1, size), (size / 2, size / 2 + 1)]
            {
                let read = object.read(offset as u64, (end - offset) as u64).await;
                assert!(read.expect("a piece") == written[offset..end], "{size}: {offset} {end}");
            }
            for (offset, length) in [(0, size + 1), (size, 1), (usize::MAX, 1)] {
                let read = object.read(offset as u64, length as u64).await;
                assert!(matches!(read, Err(AttemptError::Damaged { .. })), "{offset} {length}");
            }
            // Written over after the first look.
            let mut changed = written.clone();
            changed[size - 1] ^= 1;
            for other in [changed, bytes(size - 1), bytes(size + 1)] {
                let is_longer = other.len() > size;
                objects.put(&key, other).await.expect("another object");
                let read = object.read(size as u64 - 1, 1).await;
                // What is behind the end is never read.
                assert_eq!(read.is_ok(), is_longer, "{size}");
                assert!(matches!(open().await, Err(AttemptError::Damaged { .. })), "{size}");
            }
        }
        std::fs::remove_dir_all(folder).expect("the folder goes");
    }
}

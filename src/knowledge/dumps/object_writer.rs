//! Writes an object piece by piece: one part of it is in memory at a time, and the object is there when it is whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::attempt::AttemptError;
use crate::adapters::objects::{ObjectError, ObjectKey, Objects, StoreUpload, StoredPart};

/// Bytes of each part but the last one: S3 takes no smaller ones than 5 MiB.
const PART: usize = 8 << 20;

/// How many bytes all files of a dump may have together.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    limit: u64,
    used: Arc<AtomicU64>,
}

/// An object that is being written.
pub(super) struct ObjectWriter {
    objects: Arc<dyn Objects>,
    upload: StoreUpload,
    budget: Budget,
    /// What is no whole part yet.
    rest: Vec<u8>,
    parts: Vec<StoredPart>,
    hash: Sha256,
    size: u64,
}

/// An object that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrittenObject {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
}

impl Budget {
    /// At most so many bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// Bytes until now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// [`AttemptError::TooLarge`].
    pub fn take(&self, bytes: usize) -> Result<(), AttemptError> {
        let bytes = bytes as u64;
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let limit = self.limit;
        if used <= limit { Ok(()) } else { Err(AttemptError::TooLarge { limit }) }
    }
}

impl ObjectWriter {
    /// Begins an object.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin(
        objects: Arc<dyn Objects>,
        key: ObjectKey,
        budget: Budget,
    ) -> Result<Self, AttemptError> {
        let id = objects.begin_upload(&key, None).await?;
        let upload = StoreUpload { key, id };
        let (rest, parts) = (Vec::new(), Vec::new());
        Ok(Self { objects, upload, budget, rest, parts, hash: Sha256::new(), size: 0 })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// They are too many, or the store failed.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), AttemptError> {
        self.budget.take(bytes.len())?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.rest.extend_from_slice(bytes);
        while self.rest.len() >= PART {
            let rest = self.rest.split_off(PART);
            let part = std::mem::replace(&mut self.rest, rest);
            self.send(part).await?;
        }
        Ok(())
    }

    /// Makes the object.
    ///
    /// # Errors
    /// The store failed, or somebody has removed the parts meanwhile.
    pub async fn finish(mut self) -> Result<WrittenObject, AttemptError> {
        if !self.rest.is_empty() || self.parts.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.send(rest).await?;
        }
        if !self.objects.complete_upload(&self.upload, &self.parts).await? {
            return Err(ObjectError::Missing(self.upload.key).into());
        }
        Ok(WrittenObject { size: self.size, sha256: self.hash.finalize().into() })
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), AttemptError> {
        let number = u32::try_from(self.parts.len() + 1).unwrap_or(u32::MAX);
        let size = part.len() as u64;
        let etag = self.objects.put_part(&self.upload, number, Bytes::from(part)).await?;
        self.parts.push(StoredPart { number, etag, size });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_taken_to_the_last_byte_and_no_further() {
        for (first, second, is_fine) in [(3, 6, true), (3, 7, true), (3, 8, false), (11, 0, false)]
        {
            let budget = Budget::new(10);
            let shared = budget.clone();
            let taken = budget.take(first).and_then(|()| shared.take(second));
            assert_eq!(taken.is_ok(), is_fine, "{first} {second}");
            if is_fine {
                assert_eq!(budget.used(), (first + second) as u64);
            }
        }
    }
}

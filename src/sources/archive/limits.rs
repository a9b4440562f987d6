//! Bounds on an archive, and on the process that unpacks it: each is a setting.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sources::files::PathLimits;

/// What comes out whatever the ratio: small archives are dense.
const FREE_BYTES: u64 = 1 << 20;

/// Bounds that whoever unpacks keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveLimits {
    /// Files, folders and all else that an archive lists.
    pub max_entries: usize,
    /// Bytes that come out in all, counted as they come.
    pub max_unpacked_bytes: u64,
    /// The same as a multiple of the archive's size; the first 1 MiB is free.
    pub max_ratio: u64,
    /// Bytes of one file.
    pub max_file_bytes: u64,
    /// Length and depth of a path.
    pub path: PathLimits,
}

impl ArchiveLimits {
    /// How many bytes may come out of an archive of this size, and whether it is the ratio that says so.
    pub fn most_unpacked(&self, archive_bytes: usize) -> (u64, bool) {
        let size = u64::try_from(archive_bytes).unwrap_or(u64::MAX);
        let by_ratio = size.saturating_mul(self.max_ratio).max(FREE_BYTES);
        (by_ratio.min(self.max_unpacked_bytes), by_ratio < self.max_unpacked_bytes)
    }
}

/// The process that unpacks.
#[derive(Clone, Debug)]
pub struct UnpackSettings {
    /// Program that is started; this one when absent.
    pub program: Option<PathBuf>,
    /// Bounds that it keeps.
    pub limits: ArchiveLimits,
    /// How long one answer of it may take.
    pub wall: Duration,
    /// How much of a processor it may use in a slice, in seconds.
    pub cpu_seconds: u64,
    /// How much memory it may use beside the program itself, in bytes; the archive itself counts.
    pub memory_bytes: u64,
}

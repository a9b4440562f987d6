//! What the worker and the process that unpacks say to each other. First a line of JSON and the archive go in; then each line asks
//! for the plan or for the file of a number, and is answered by a line of JSON, behind which the bytes of the file follow.

use serde::{Deserialize, Serialize};

use super::error::ArchiveError;
use super::limits::{ArchiveLimits, UnpackSettings};
use crate::sources::files::{PlannedFile, Refusal, Selection};

/// Longest first line: a hundred patterns, each character of which may take several bytes.
pub(super) const MAX_ORDER_BYTES: u64 = 256 << 10;
/// Longest line of those that follow.
pub(super) const MAX_REQUEST_BYTES: u64 = 64;
/// Asks for the plan.
pub(super) const PLAN: &str = "plan";

/// What becomes of one folder around everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TopFolder {
    /// It is left out of the paths, when there is one.
    Leave,
    /// The same, and there has to be one: names that are known are without it.
    Require,
    /// It stays.
    Keep,
}

impl TopFolder {
    /// As the configuration says and, before that, as a source did whose documents are named so.
    pub fn of(wanted: Option<bool>, done: Option<bool>) -> Self {
        match (wanted, done) {
            (Some(false), _) | (_, Some(false)) => Self::Keep,
            (_, Some(true)) => Self::Require,
            (_, None) => Self::Leave,
        }
    }
}

/// What is to be unpacked, before the bytes of the archive.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub archive_bytes: usize,
    pub selection: Selection,
    pub top_folder: TopFolder,
    /// Most files that are planned; one more tells that there are too many.
    pub max_files: usize,
    pub limits: ArchiveLimits,
    pub cpu_seconds: u64,
    pub memory_bytes: u64,
}

impl Order {
    pub fn new(
        settings: &UnpackSettings,
        (selection, top_folder): (&Selection, TopFolder),
        max_files: usize,
        archive_bytes: usize,
    ) -> Self {
        Self {
            archive_bytes,
            selection: selection.clone(),
            top_folder,
            max_files,
            limits: settings.limits.clone(),
            cpu_seconds: settings.cpu_seconds,
            memory_bytes: settings.memory_bytes,
        }
    }
}

/// The answer to a question for the plan.
pub type Plan = Result<Planned, ArchiveError>;

/// What is to be read of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The files that are wanted.
    pub files: Vec<PlannedFile>,
    /// Whether one folder around everything was left out of the paths.
    pub strips_top_folder: bool,
}

/// The answer to a question for a file: how many bytes follow.
pub(super) type FileAnswer = Result<usize, Refusal>;

//! Why an archive can not be unpacked at all, in words for whoever offers it.

use serde::{Deserialize, Serialize};

/// A refusal of a whole archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ArchiveError {
    /// It is something else.
    #[error("what came is no zip, tar or tar.gz archive")]
    Unsupported,
    /// It breaks off, or contradicts itself.
    #[error("the archive is damaged: {0}; make it anew")]
    Damaged(String),
    /// It lists too much.
    #[error("the archive lists more than {0} files and folders; make several of it")]
    TooManyEntries(usize),
    /// Its files are not in one folder, as those were that documents are made of.
    #[error(
        "the files of the archive are not in one folder as those were of which the source has documents; make it as before, or set strip_top_folder to false, which names all documents anew"
    )]
    TopFolder,
    /// Too much comes out.
    #[error("the archive unpacks to more than {0} bytes; make several of it")]
    TooLarge(u64),
    /// Too much comes out for its size.
    #[error("the archive unpacks to more than {0} times its size, as a decompression bomb does")]
    TooDense(u64),
}

impl ArchiveError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported => "archive_unsupported",
            Self::Damaged(_) => "archive_damaged",
            Self::TooManyEntries(_) => "archive_too_many_entries",
            Self::TopFolder => "archive_top_folder",
            Self::TooLarge(_) => "archive_too_large",
            Self::TooDense(_) => "archive_too_dense",
        }
    }

    /// Damaged, for this reason.
    pub fn damaged(why: impl ToString) -> Self {
        Self::Damaged(why.to_string())
    }
}

//! Files of a tree, as archives and buckets hold them: which of them are wanted, which names are taken, and how one becomes a
//! document. Its path, with what the source puts before it, is the document's name.

mod glob;
mod path;
mod plan;
mod selection;
mod take;

use serde::{Deserialize, Serialize};

pub use path::{PathLimits, clean, display};
pub use plan::PlannedFile;
pub(super) use plan::refused_before;
pub use selection::Selection;
pub(super) use take::{has_document, refused};

/// Why a file makes no document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub code: String,
    /// In words.
    pub detail: String,
}

impl Refusal {
    /// With this code and these words.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

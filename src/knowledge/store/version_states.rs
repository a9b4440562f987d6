//! States of rows of `document_versions`.

use crate::db;

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Waiting for a worker.
    Received,
    /// Being read.
    Parsing,
    /// Being cut into passages.
    Chunking,
    /// Being embedded.
    Embedding,
    /// In search.
    Ready,
    /// Was in search until a newer one was ready.
    Superseded,
    /// Given up, with a code.
    Failed,
    /// Given up because it was asked for.
    Cancelled,
}

impl VersionState {
    /// From the text of a row.
    pub(in crate::knowledge) fn from_row(state: &str) -> db::Result<Self> {
        Ok(match state {
            "received" => Self::Received,
            "parsing" => Self::Parsing,
            "chunking" => Self::Chunking,
            "embedding" => Self::Embedding,
            "ready" => Self::Ready,
            "superseded" => Self::Superseded,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            other => {
                return Err(db::Error::Inconsistent {
                    table: "document_versions",
                    detail: format!("state \"{other}\""),
                });
            }
        })
    }
}

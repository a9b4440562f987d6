//! What is told of a dump and its files: `manifest.json` among them, and in the dump's row.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object_writer::WrittenObject;
use crate::db;
use crate::knowledge::store::dump_leases::{ClaimedDump, DumpCounts};

/// Name of the file.
pub(super) const MANIFEST: &str = "manifest.json";
/// Version of the form in which dumps are written.
pub(super) const FORMAT_VERSION: i32 = 2;

/// A file of a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Name.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Rows, of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// The embedding model of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Space {
    /// Id.
    pub model: String,
    /// Numbers in each vector.
    pub dimensions: usize,
}

impl FileEntry {
    /// A file that was written.
    pub(super) fn of(name: &str, written: &WrittenObject, rows: Option<u64>) -> Self {
        Self {
            name: name.to_owned(),
            size_bytes: written.size,
            sha256: hex::encode(written.sha256),
            rows,
        }
    }

    /// The files of a dump, from its row.
    ///
    /// # Errors
    /// The row holds something else.
    pub(super) fn from_row(files: &Value) -> db::Result<Vec<Self>> {
        serde_json::from_value(files.clone()).map_err(|error| db::Error::Inconsistent {
            table: "dumps",
            detail: format!("files: {error}"),
        })
    }
}

/// A time, always as long: the same contents make a manifest of the same size.
fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The text of the manifest.
pub(super) fn manifest(
    dump: &ClaimedDump,
    created_at: DateTime<Utc>,
    counts: DumpCounts,
    space: &Space,
    files: &[FileEntry],
) -> String {
    let manifest = json!({
        "format": "pidima-dump",
        "format_version": FORMAT_VERSION,
        "created_by": format!("pidima {}", env!("CARGO_PKG_VERSION")),
        "created_at": told(created_at),
        "began_at": told(dump.began_at),
        "dump_id": dump.dump_id,
        "collection": {
            "id": dump.collection_id,
            "name": dump.collection_name,
            "description": dump.collection_description,
        },
        "embedding": { "model": space.model, "dimensions": space.dimensions },
        "counts": {
            "documents": counts.documents,
            "chunks": counts.chunks,
            "embeddings": counts.embeddings,
        },
        "files": files,
    });
    format!("{manifest:#}\n")
}

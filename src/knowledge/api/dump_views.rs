//! Dumps and restores as they are asked for and shown, and what is told of their faults.

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::db;
use crate::knowledge::dumps::{Dump, DumpError, PlacedFile, Restore};
use crate::web::problem::{ApiError, ProblemCode};

/// Where a dump stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "DumpState", rename_all = "snake_case")]
pub enum DumpStateName {
    /// It waits for a worker.
    Queued,
    /// A worker writes it.
    Running,
    /// Its files are there.
    Ready,
    /// There are none; `failure` says why.
    Failed,
}

/// Where a restore stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "RestoreState", rename_all = "snake_case")]
pub enum RestoreStateName {
    /// It waits for a worker.
    Queued,
    /// A worker brings in document after document; those that are in are found already.
    Running,
    /// All documents are in.
    Completed,
    /// Not all documents are in; `failure` says why.
    Failed,
}

/// Why a dump or a restore failed.
#[derive(Debug, Object)]
pub struct DumpFailure {
    /// For programs, e.g. `too_large`, `other_embedding_model`, `dump_gone`, `object_store_unavailable`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// What happened and what to do about it.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// What is in a dump, until now while it is being written.
#[derive(Debug, Object)]
pub struct DumpCounts {
    /// Documents.
    documents: i32,
    /// Passages.
    chunks: i64,
    /// Vectors.
    embeddings: i64,
}

/// A file of a dump.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DumpFile {
    /// Name: `documents.parquet`, `chunks.parquet`, `embeddings.parquet` or `manifest.json`.
    #[oai(validator(max_length = 100))]
    name: String,
    /// Size in bytes.
    size_bytes: i64,
    /// SHA-256 in hexadecimal digits.
    #[oai(validator(max_length = 64))]
    sha256: String,
    /// Rows, of a table.
    rows: Option<i64>,
    /// Where it is read with `GET`. With `expires_at`, whoever has the address may read it; without, it is an operation of this
    /// API, which asks for a credential.
    #[oai(validator(max_length = 10000))]
    url: String,
    /// Until when the address is good; get the dump again for another one.
    expires_at: Option<DateTime<Utc>>,
}

/// A collection as files.
#[derive(Debug, Object)]
#[oai(rename = "Dump", skip_serializing_if_is_none)]
pub struct DumpView {
    /// Id of the dump.
    id: Uuid,
    /// Collection that it is of.
    collection_id: Uuid,
    /// Where it stands.
    state: DumpStateName,
    /// What is in it.
    counts: DumpCounts,
    /// Size of all files; 0 until it is ready.
    size_bytes: i64,
    /// Model of the vectors; absent until it is ready.
    #[oai(validator(max_length = 300))]
    embedding_model: Option<String>,
    /// Numbers in each vector.
    embedding_dimensions: Option<i32>,
    /// Why it failed.
    failure: Option<DumpFailure>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When a worker first took it.
    started_at: Option<DateTime<Utc>>,
    /// When it was ready, or failed.
    finished_at: Option<DateTime<Utc>>,
    /// Until when it is kept.
    expires_at: DateTime<Utc>,
}

/// A dump with its files.
#[derive(Debug, Object)]
pub struct DumpDetail {
    /// The dump.
    pub(super) dump: DumpView,
    /// Its files; none until it is ready.
    #[oai(validator(max_items = 10))]
    pub(super) files: Vec<DumpFile>,
}

/// A page of dumps.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DumpList {
    /// Dumps, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<DumpView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

/// The collection that a dump is brought in as.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct DumpRestore {
    /// Name of the new collection, unique within the tenant.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// What is in it; empty when absent.
    #[oai(validator(max_length = 2000))]
    pub(super) description: Option<String>,
}

impl Example for DumpRestore {
    fn example() -> Self {
        let description = Some("The handbook as it was in May".to_owned());
        Self { name: "handbook in May".to_owned(), description }
    }
}

/// What a restore has done until now.
#[derive(Debug, Object)]
pub struct RestoreCounts {
    /// Documents in the dump.
    documents: i32,
    /// Documents that are in.
    restored: i32,
    /// Documents that were left out, as somebody had put one of the name there.
    skipped: i32,
}

/// A dump that is brought in again.
#[derive(Debug, Object)]
#[oai(rename = "Restore", skip_serializing_if_is_none)]
pub struct RestoreView {
    /// Id of the restore.
    id: Uuid,
    /// Dump that is brought in; it may be gone afterwards.
    dump_id: Uuid,
    /// Collection that was made for it.
    collection_id: Uuid,
    /// Where it stands.
    state: RestoreStateName,
    /// What it has done until now.
    counts: RestoreCounts,
    /// Why it failed.
    failure: Option<DumpFailure>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When a worker first took it.
    started_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    finished_at: Option<DateTime<Utc>>,
}

/// A page of restores.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct RestoreList {
    /// Restores, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<RestoreView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

fn unknown(table: &'static str, value: &str) -> db::Error {
    db::Error::Inconsistent { table, detail: format!("\"{value}\" is not one of the names") }
}

fn failure(code: Option<String>, detail: Option<String>) -> Option<DumpFailure> {
    code.map(|code| DumpFailure { code, detail: detail.unwrap_or_default() })
}

impl TryFrom<Dump> for DumpView {
    type Error = db::Error;

    fn try_from(dump: Dump) -> db::Result<Self> {
        let state = match dump.state.as_str() {
            "queued" => DumpStateName::Queued,
            "running" => DumpStateName::Running,
            "ready" => DumpStateName::Ready,
            "failed" => DumpStateName::Failed,
            _ => return Err(unknown("dumps", &dump.state)),
        };
        Ok(Self {
            id: dump.dump_id,
            collection_id: dump.collection_id,
            state,
            counts: DumpCounts {
                documents: dump.document_count,
                chunks: dump.chunk_count,
                embeddings: dump.embedding_count,
            },
            size_bytes: dump.size_bytes,
            embedding_model: dump.embedding_model,
            embedding_dimensions: dump.embedding_dimensions,
            failure: failure(dump.failure_code, dump.failure_detail),
            created_at: dump.created_at,
            started_at: dump.started_at,
            finished_at: dump.finished_at,
            expires_at: dump.expires_at,
        })
    }
}

impl TryFrom<Restore> for RestoreView {
    type Error = db::Error;

    fn try_from(restore: Restore) -> db::Result<Self> {
        let state = match restore.state.as_str() {
            "queued" => RestoreStateName::Queued,
            "running" => RestoreStateName::Running,
            "completed" => RestoreStateName::Completed,
            "failed" => RestoreStateName::Failed,
            _ => return Err(unknown("restores", &restore.state)),
        };
        Ok(Self {
            id: restore.restore_id,
            dump_id: restore.dump_id,
            collection_id: restore.collection_id,
            state,
            counts: RestoreCounts {
                documents: restore.document_count,
                restored: restore.done_count - restore.skipped_count,
                skipped: restore.skipped_count,
            },
            failure: failure(restore.failure_code, restore.failure_detail),
            created_at: restore.created_at,
            started_at: restore.started_at,
            finished_at: restore.finished_at,
        })
    }
}

impl From<PlacedFile> for DumpFile {
    fn from(file: PlacedFile) -> Self {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            name: file.entry.name,
            size_bytes: whole(file.entry.size_bytes),
            sha256: file.entry.sha256,
            rows: file.entry.rows.map(whole),
            url: file.url,
            expires_at: file.until,
        }
    }
}

impl From<DumpError> for ApiError {
    fn from(error: DumpError) -> Self {
        let text = error.to_string();
        match error {
            DumpError::Unknown => Self::not_found("dump"),
            DumpError::UnknownFile => Self::not_found("file of the dump"),
            DumpError::UnknownRestore => Self::not_found("restore"),
            DumpError::UnknownCollection => Self::not_found("collection"),
            DumpError::TooMany(_)
            | DumpError::Running
            | DumpError::NotReady(_)
            | DumpError::BeingRestored
            | DumpError::TooManyRestores(_)
            | DumpError::NameTaken(_)
            | DumpError::UnknownFormat(_)
            | DumpError::OtherModel(_) => Self::new(ProblemCode::Conflict, text),
            DumpError::Off(_) => Self::new(ProblemCode::Unavailable, text),
            DumpError::Objects(error) => {
                Self::unavailable("the store of the files is away; try again", error)
            }
            DumpError::Database(error) => error.into(),
        }
    }
}

//! Dumps: a collection's documents, passages and vectors as Parquet files beside the originals; and restores, which bring a dump
//! in again as a collection of its own, without anything being read or embedded once more.
//!
//! Both are jobs of the worker under a lease. A dump is written anew by each attempt, into files of its own, and nobody sees it
//! before it is whole. A restore is one transaction for each document, which notes how far it came: another worker goes on from
//! there.

mod attempt;
mod bring_in;
mod checked_object;
mod download;
mod manifest;
mod object_writer;
mod read_contents;
mod remove;
mod request;
mod restore;
mod table;
mod table_file;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub use self::download::{FileContent, PlacedFile};
use super::embedders::Embedders;
use super::ingest_version::JobOutcome;
use super::reach::{Reach, Reader};
use super::receive_document::Receiver;
pub use super::store::dumps::Dump;
pub use super::store::restores::Restore;
use crate::adapters::objects::{ObjectError, Objects};
use crate::db::{self, TenantTx};
use crate::governance::FlagError;

/// Name of the job that writes a dump.
pub const DUMP_COLLECTION: &str = "dump_collection";
/// Name of the job that brings a dump in.
pub const RESTORE_DUMP: &str = "restore_dump";

/// Longest wait between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Limits of dumps.
#[derive(Clone, Debug)]
pub struct DumpSettings {
    /// Most dumps of a tenant.
    pub max_dumps: u32,
    /// Largest dump, in bytes.
    pub max_bytes: u64,
    /// How long a dump is kept.
    pub lifetime: Duration,
    /// How long the address of a file is good.
    pub url_lifetime: Duration,
    /// Most restores of a tenant that go on at once.
    pub max_restores: u32,
    /// Attempts before a dump or a restore is given up.
    pub max_attempts: u32,
    /// Dumps and restores that this process works on at once.
    pub concurrency: usize,
    /// Most rows of a group.
    pub group_rows: usize,
    /// Bytes of values after which a group ends.
    pub group_bytes: usize,
    /// How long a worker is trusted without a sign.
    pub lease: Duration,
    /// Address of this server as its clients see it.
    pub public_url: Option<String>,
}

/// Why nothing came of a request about a dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// There is none of this id, or none within reach.
    #[error("there is no such dump")]
    Unknown,
    /// It has no file of this name.
    #[error("there is no such file of the dump")]
    UnknownFile,
    /// There is no restore of this id, or none within reach.
    #[error("there is no such restore")]
    UnknownRestore,
    /// No such collection, or none within reach.
    #[error("there is no such collection")]
    UnknownCollection,
    /// One too many.
    #[error("the tenant has {0} dumps, which is the most; delete one first")]
    TooMany(u32),
    /// The collection is being dumped.
    #[error("the collection is being dumped already; wait for that dump, or delete it")]
    Running,
    /// It is not ready.
    #[error("the dump is {0}: only one that is ready can be brought in")]
    NotReady(String),
    /// It is being brought in.
    #[error(
        "the dump is being brought in; wait for the restore, or delete the collection that it fills"
    )]
    BeingRestored,
    /// One restore too many.
    #[error("{0} restores of the tenant go on, which is the most; wait for one of them")]
    TooManyRestores(u32),
    /// The name is in use.
    #[error("there is a collection \"{0}\" already; choose another name")]
    NameTaken(String),
    /// It was written in a form that this build does not know.
    #[error(
        "the dump has the form {0}, which this version of the service can not read; make another dump"
    )]
    UnknownFormat(i32),
    /// Its vectors are of another model.
    #[error("{0}")]
    OtherModel(String),
    /// The operator has switched uploads off.
    #[error("{0}")]
    Off(FlagError),
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<FlagError> for DumpError {
    fn from(error: FlagError) -> Self {
        match error {
            FlagError::Database(error) => Self::Database(error),
            off @ FlagError::Off(_) => Self::Off(off),
        }
    }
}

/// Makes dumps, and brings them in.
#[derive(Clone)]
pub struct Dumps {
    receiver: Receiver,
    embedders: Embedders,
    settings: DumpSettings,
    places: Arc<Semaphore>,
}

impl Dumps {
    /// Dumps of documents that `receiver` takes, with vectors of these models.
    pub fn new(receiver: Receiver, embedders: Embedders, settings: DumpSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.concurrency));
        Self { receiver, embedders, settings, places }
    }

    /// Limits.
    pub fn settings(&self) -> &DumpSettings {
        &self.settings
    }

    /// The same dumps within other limits.
    #[must_use]
    pub fn within(&self, settings: DumpSettings) -> Self {
        Self { settings, ..self.clone() }
    }

    /// Wakes the worker of this process: there is something for it to do.
    pub fn wake_worker(&self) {
        self.receiver.wake_worker();
    }

    /// A place to work on a dump or restore, as long as it is kept; `None` when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn objects(&self) -> &Arc<dyn Objects> {
        &self.receiver.objects
    }

    /// Why vectors of a model can not be brought in; nothing when they can.
    fn refusal_of(&self, model: &str, dimensions: i32) -> Option<String> {
        let found = self.embedders.find(model);
        if found.is_ok_and(|found| usize::try_from(dimensions) == Ok(found.dimensions())) {
            return None;
        }
        let told = self.embedders.all().map(|it| format!("{} and {}", it.model(), it.dimensions()));
        let told = told.collect::<Vec<_>>().join(", or ");
        Some(format!(
            "the vectors of the dump are of {model} with {dimensions} dimensions, and this installation embeds with {told}; upload the documents instead"
        ))
    }

    /// Wait before the next attempt: 1 s, 2 s, 4 s … up to a minute.
    fn delay_after(attempts: i32) -> Duration {
        let doubled = u32::try_from(attempts.max(1) - 1).unwrap_or_default().min(6);
        Duration::from_secs(1 << doubled).min(LONGEST_DELAY)
    }

    /// Whether there may be no further attempt.
    fn is_last(&self, attempts: i32) -> bool {
        u32::try_from(attempts).unwrap_or_default() >= self.settings.max_attempts
    }
}

/// A dump within reach.
async fn find_reached(
    tx: &mut TenantTx,
    reader: &Reader,
    dump_id: Uuid,
) -> Result<Dump, DumpError> {
    let dump = tx.find_dump(dump_id).await?.ok_or(DumpError::Unknown)?;
    let is_reached = Reach::of(tx, reader).await?.holds(dump.collection_id);
    if is_reached { Ok(dump) } else { Err(DumpError::Unknown) }
}

//! Sources of documents: places that are read again and again, on request or by schedule, so that a collection holds what is
//! there and nothing that is gone.
//!
//! A run reads a source once. It is a job of the worker that goes on in slices: all that it knows stands in the database, so
//! that another worker goes on where one died. Each page or file becomes a document by the way of uploads. Nothing is deleted unless
//! everything was looked at.

pub mod api;
mod archive;
mod bucket;
mod canonicals;
mod configuration;
mod fetch;
mod files;
mod manage;
mod rates;
mod receive;
mod remove_missing;
mod schedule;
mod settle;
mod steer_run;
mod stopping;
mod store;
mod sync;
mod website;

pub use archive::{ArchiveLimits, UNPACK_ARCHIVE, UnpackSettings, run_unpacker};
pub use configuration::{is_bucket_name, is_prefix};
pub use files::PathLimits;
pub use schedule::start_due_runs;
pub use store::buckets::AllowedBucket;
pub use sync::{Means, SYNC_SOURCE, SourceSync, SyncOutcome, SyncSettings};

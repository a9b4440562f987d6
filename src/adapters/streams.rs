//! Events of runs on their way to readers: whoever makes a run's events appends them here, and readers on any instance
//! follow them as they come.
//!
//! This is the fast way, not the sure one: what must not be lost is a row. A log may be gone (never begun, ended long ago,
//! flushed, cut to its newest events, or Redis is away); a reader is told so and turns to the rows, and never sees a gap.
//! [`LocalStreams`] serves one instance, [`RedisStreams`] several; in both, readers beside the writer are served from this
//! process's memory.

mod follow;
mod key;
mod local;
mod log;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use key::StreamKey;
pub use local::LocalStreams;
pub use log::Tail;
pub use shared::RedisStreams;

use super::redis::RedisError;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct StreamSettings {
    /// Events of one run, at most; older ones go.
    pub max_events: usize,
    /// How long a log stays after its newest event.
    pub ttl: Duration,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number: 1, 2, 3 and so on.
    pub number: u64,
    /// The event, as its maker writes it.
    pub payload: Arc<[u8]>,
    /// Whether nothing comes after it.
    pub is_last: bool,
}

/// Why events could not be appended or read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Events before the asked one are not here: the log is gone, was cut, or was never begun.
    #[error("the events are not here any more; read them from the rows")]
    Lost,
    /// The log has had its last event.
    #[error("the log has ended")]
    Ended,
    /// The server gave no answer.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// Where events of runs pass through.
#[async_trait]
pub trait EventStreams: Send + Sync {
    /// Appends events whose numbers follow on each other; those that are there already are left out, so that an append
    /// may be repeated. Number 1 begins the log.
    ///
    /// # Errors
    /// Readers on other instances do not get them. Those beside the writer do, unless the log was lost or has ended.
    async fn append(&self, key: &StreamKey, entries: &[Entry]) -> Result<(), StreamError>;

    /// The log of a run, to be read from any number on. It is followed until the tail is dropped.
    async fn follow(&self, key: &StreamKey) -> Tail;
}

//! Logs of the runs that this process makes. Bounded by time: a log goes some time after its newest event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::time::{Duration, Instant};

use super::log::{Log, Tail};
use super::{Entry, EventStreams, StreamError, StreamKey, StreamSettings};

/// How often logs that are over are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Logs for one instance. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalStreams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: StreamSettings,
    logs: Mutex<Logs>,
}

#[derive(Debug)]
struct Logs {
    by_key: HashMap<StreamKey, Arc<Log>>,
    swept_at: Instant,
}

impl LocalStreams {
    /// No logs yet.
    pub fn new(settings: StreamSettings) -> Self {
        let logs = Logs { by_key: HashMap::new(), swept_at: Instant::now() };
        Self(Arc::new(Inner { settings, logs: Mutex::new(logs) }))
    }

    /// Logs that are kept.
    pub fn count(&self) -> usize {
        self.logs().by_key.len()
    }

    /// The log of a run that this process makes.
    pub(super) fn find(&self, key: &StreamKey) -> Option<Arc<Log>> {
        self.logs().by_key.get(key).cloned()
    }

    pub(super) fn append_here(
        &self,
        key: &StreamKey,
        entries: &[Entry],
    ) -> Result<(), StreamError> {
        let begins = entries.first().is_some_and(|entry| entry.number == 1);
        let log = {
            let mut logs = self.logs();
            logs.sweep(self.0.settings.ttl);
            match logs.by_key.get(key) {
                Some(log) => Arc::clone(log),
                None if begins => Arc::clone(logs.by_key.entry(key.clone()).or_default()),
                None => return Err(StreamError::Lost),
            }
        };
        log.append(entries, self.0.settings.max_events, false)
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logs {
    fn sweep(&mut self, ttl: Duration) {
        if self.swept_at.elapsed() >= SWEEP_EVERY.min(ttl) {
            self.swept_at = Instant::now();
            self.by_key.retain(|_, log| !log.is_older_than(ttl));
        }
    }
}

#[async_trait]
impl EventStreams for LocalStreams {
    async fn append(&self, key: &StreamKey, entries: &[Entry]) -> Result<(), StreamError> {
        self.append_here(key, entries)
    }

    async fn follow(&self, key: &StreamKey) -> Tail {
        let log = self.find(key).unwrap_or_else(|| {
            let log = Arc::new(Log::default());
            log.lose();
            log
        });
        Tail::new(log, None)
    }
}

//! Events of one run in this process, which any number of readers follow at their own pace: a slow reader holds up neither
//! the writer nor another reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Entry, StreamError};

/// Events of one run.
#[derive(Debug)]
pub(super) struct Log {
    state: Mutex<State>,
    /// Counts what happened; readers wait for it to change.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Number of the newest event that there was.
    top: u64,
    has_ended: bool,
    is_lost: bool,
    changed_at: Option<Instant>,
}

impl Default for Log {
    fn default() -> Self {
        Self { state: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Log {
    /// Appends what is new among the entries, and forgets the oldest beyond `most`. An empty log of `anywhere` may begin
    /// with any number: it is a copy of one that was cut.
    pub fn append(
        &self,
        entries: &[Entry],
        most: usize,
        anywhere: bool,
    ) -> Result<(), StreamError> {
        let mut state = self.state();
        let before = state.top;
        for entry in entries.iter().filter(|entry| entry.number > before) {
            let follows = entry.number == state.top + 1 || (anywhere && state.entries.is_empty());
            if state.is_lost || !follows {
                return Err(StreamError::Lost);
            }
            if state.has_ended {
                return Err(StreamError::Ended);
            }
            state.top = entry.number;
            state.has_ended = entry.is_last;
            state.entries.push_back(entry.clone());
        }
        let over = state.entries.len().saturating_sub(most);
        state.entries.drain(..over);
        state.changed_at = Some(Instant::now());
        drop(state);
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// Tells the readers that nothing more comes this way.
    pub fn lose(&self) {
        self.state().is_lost = true;
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Number of the newest event.
    pub fn top(&self) -> u64 {
        self.state().top
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        let state = self.state();
        state.has_ended || state.is_lost
    }

    /// Whether its last change is so long ago.
    pub fn is_older_than(&self, age: Duration) -> bool {
        self.state().changed_at.is_some_and(|changed_at| changed_at.elapsed() >= age)
    }

    /// What is there after a number; `None` when that is nothing yet.
    fn after(&self, number: u64) -> Option<Result<Vec<Entry>, StreamError>> {
        let state = self.state();
        let oldest = state.entries.front().map_or(state.top + 1, |entry| entry.number);
        if number + 1 < oldest {
            return Some(Err(StreamError::Lost));
        }
        let skipped = usize::try_from(number + 1 - oldest).unwrap_or(usize::MAX);
        if skipped < state.entries.len() {
            return Some(Ok(state.entries.range(skipped..).cloned().collect()));
        }
        match (state.has_ended, state.is_lost) {
            (true, _) => Some(Err(StreamError::Ended)),
            (false, true) => Some(Err(StreamError::Lost)),
            (false, false) => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that is followed until this is dropped.
pub struct Tail {
    log: Arc<Log>,
    /// Ends the following when the last tail of a log is gone.
    _guard: Option<Arc<dyn Send + Sync>>,
}

impl Tail {
    pub(super) fn new(log: Arc<Log>, guard: Option<Arc<dyn Send + Sync>>) -> Self {
        Self { log, _guard: guard }
    }

    /// Events after a number, without gaps: at once when there are some, else the first that come. Nothing when none came
    /// within `wait`. Safe to drop and call again.
    ///
    /// # Errors
    /// [`StreamError::Ended`]: the last event has that number. [`StreamError::Lost`]: read the rows.
    pub async fn after(&self, number: u64, wait: Duration) -> Result<Vec<Entry>, StreamError> {
        let until = Instant::now() + wait;
        let mut changes = self.log.changes.subscribe();
        loop {
            if let Some(found) = self.log.after(number) {
                return found;
            }
            // The log holds the sender: the wait ends with a change or the time, and never with an error.
            if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
                return Ok(Vec::new());
            }
        }
    }
}

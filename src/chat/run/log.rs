//! The events of a run that is made here. Any number of readers follow them at their own pace: a slow reader holds up
//! neither the run nor another reader, and has nothing of its own but its place.
//!
//! The texts of an answer lie in one string, so that an event costs its characters and 16 bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::event::{NumberedEvent, RunEvent, numbered};

/// Most events that a reader is given at once.
const MOST_AT_ONCE: usize = 64;

/// The events of a run so far.
#[derive(Debug)]
pub struct RunLog {
    kept: Mutex<Kept>,
    mark: watch::Sender<Mark>,
}

/// How far a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Number of the last event.
    pub last: usize,
    /// Bytes of text in all events.
    pub bytes: usize,
    /// Whether the text is complete: only the end follows.
    pub is_written: bool,
    /// Whether nothing more comes: the last event is here, or others have ended the run and what is here past the stored
    /// events is void.
    pub is_over: bool,
    /// Whether others have ended the run.
    pub is_lost: bool,
}

#[derive(Debug, Default)]
struct Kept {
    text: String,
    entries: Vec<Entry>,
    read_collection_ids: Option<Vec<Uuid>>,
}

#[derive(Debug)]
enum Entry {
    /// Bytes of the text.
    Delta {
        start: u32,
        end: u32,
    },
    Other(Box<RunEvent>),
}

impl Default for RunLog {
    fn default() -> Self {
        Self { kept: Mutex::default(), mark: watch::Sender::new(Mark::default()) }
    }
}

impl RunLog {
    /// Adds an event and wakes the readers.
    pub(super) fn append(&self, event: RunEvent) {
        let is_last = event.is_last();
        let mut kept = self.kept();
        kept.push(event);
        let (last, bytes) = (kept.entries.len(), kept.text.len());
        self.mark.send_modify(|mark| {
            (mark.last, mark.bytes) = (last, bytes);
            mark.is_over |= is_last;
        });
    }

    /// Notes which collections the model is given text of: before there is any text.
    pub(super) fn set_read_collections(&self, ids: Vec<Uuid>) {
        self.kept().read_collection_ids = Some(ids);
    }

    /// Collections that the model was given text of; absent until that is known.
    pub(super) fn read_collections(&self) -> Option<Vec<Uuid>> {
        self.kept().read_collection_ids.clone()
    }

    /// Notes that the text is complete.
    pub(super) fn set_written(&self) {
        self.mark.send_modify(|mark| mark.is_written = true);
    }

    /// Notes that the run was ended by others.
    pub(super) fn lose(&self) {
        self.mark.send_modify(|mark| (mark.is_over, mark.is_lost) = (true, true));
    }

    /// Notes that nothing more is added: what there is not here is found where it is stored.
    pub(super) fn close(&self) {
        self.mark.send_modify(|mark| mark.is_over = true);
    }

    /// How far it is, to be waited on.
    pub(super) fn mark(&self) -> watch::Receiver<Mark> {
        self.mark.subscribe()
    }

    /// Number of the last event.
    pub(super) fn last(&self) -> usize {
        self.mark.borrow().last
    }

    /// Events from one number through another.
    pub(super) fn events(&self, first: usize, last: usize) -> Vec<RunEvent> {
        let kept = self.kept();
        (first..=last).filter_map(|number| kept.get(number)).collect()
    }

    /// The next events after a number, as soon as there are some; `None` when none will come, or once the run was ended by
    /// others.
    pub(super) async fn next(&self, after: usize) -> Option<Vec<NumberedEvent>> {
        let mut mark = self.mark.subscribe();
        let ready = mark.wait_for(|mark| mark.is_over || mark.last > after).await.ok()?;
        let (last, is_lost) = (ready.last, ready.is_lost);
        drop(ready);
        if is_lost || last <= after {
            return None;
        }
        Some(numbered(after + 1, self.events(after + 1, last.min(after + MOST_AT_ONCE))))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, event: RunEvent) {
        let start = u32::try_from(self.text.len());
        let entry = match (event, start) {
            (RunEvent::Delta(text), Ok(start)) => {
                self.text.push_str(&text);
                match u32::try_from(self.text.len()) {
                    Ok(end) => Entry::Delta { start, end },
                    Err(_) => Entry::Other(Box::new(RunEvent::Delta(text))),
                }
            }
            (event, _) => Entry::Other(Box::new(event)),
        };
        self.entries.push(entry);
    }

    fn get(&self, number: usize) -> Option<RunEvent> {
        let entry = self.entries.get(number.checked_sub(1)?)?;
        Some(match entry {
            Entry::Delta { start, end } => {
                let range = usize::try_from(*start).ok()?..usize::try_from(*end).ok()?;
                RunEvent::Delta(self.text.get(range)?.to_owned())
            }
            Entry::Other(event) => (**event).clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readers_are_given_each_event_once_and_in_order() {
        let log = RunLog::default();
        for number in 0..200 {
            log.append(match number % 3 {
                0 => RunEvent::Reset { reason: number.to_string() },
                _ => RunEvent::Delta(format!("ü{number}")),
            });
        }
        let mut read = Vec::new();
        while read.len() < 200 {
            let next = log.next(read.len()).await.unwrap();
            assert!(next.len() <= MOST_AT_ONCE);
            read.extend(next);
        }
        for (place, numbered) in read.into_iter().enumerate() {
            assert_eq!(numbered.number, place + 1);
            let expected = match place % 3 {
                0 => RunEvent::Reset { reason: place.to_string() },
                _ => RunEvent::Delta(format!("ü{place}")),
            };
            assert_eq!(numbered.event, expected);
        }
    }

    #[tokio::test]
    async fn who_waits_is_told_that_the_run_was_ended_by_others() {
        let log = RunLog::default();
        let (waited, ()) = tokio::join!(log.next(0), async { log.lose() });
        assert!(waited.is_none());
    }
}

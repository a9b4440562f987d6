//! Hands the events of a run to readers on other instances, several at once, beside the model's stream in the same task.
//! Whatever fails here costs those readers time and nothing else: what is stored is the truth.

use super::event::{NumberedEvent, RunEvent};
use super::generate::Generation;
use crate::adapters::streams::{Entry, StreamError, StreamKey};

/// Most events that are handed over at once.
const MOST_AT_ONCE: usize = 256;

impl Generation {
    /// Hands over until the text is complete.
    pub(super) async fn relay(&self) {
        let Some(streams) = &self.chat.streams else { return };
        let key = StreamKey::run(self.question.tenant, self.run_id);
        let mut mark = self.run.log.mark();
        let mut told = 0;
        loop {
            let now = match mark.wait_for(|mark| mark.is_written || mark.last > told).await {
                Ok(now) => *now,
                Err(_) => return,
            };
            let last = now.last.min(told + MOST_AT_ONCE);
            let events = self.run.log.events(told + 1, last);
            let entries =
                (told + 1..).zip(&events).filter_map(|(number, event)| entry(number, event));
            if last > told
                && let Err(error) = streams.append(&key, &entries.collect::<Vec<_>>()).await
            {
                tracing::debug!(run.id = %self.run_id, %error, "readers elsewhere look into the database");
                return;
            }
            told = last;
            if now.is_written && told == now.last {
                return;
            }
        }
    }

    /// Tells readers on other instances that the end is stored.
    pub(super) async fn relay_end(&self) {
        let Some(streams) = &self.chat.streams else { return };
        let key = StreamKey::run(self.question.tenant, self.run_id);
        let number = u64::try_from(self.run.log.last()).unwrap_or(u64::MAX);
        let end = Entry { number, payload: [].into(), is_last: true };
        match streams.append(&key, &[end]).await {
            Ok(()) | Err(StreamError::Lost | StreamError::Ended) => {}
            Err(error) => {
                tracing::debug!(run.id = %self.run_id, %error, "the end is found in the database");
            }
        }
    }
}

fn entry(number: usize, event: &RunEvent) -> Option<Entry> {
    Some(Entry {
        number: u64::try_from(number).ok()?,
        payload: serde_json::to_vec(event).ok()?.into(),
        is_last: false,
    })
}

/// Events as they were handed over, as far as they follow on a number.
pub(super) fn heard_after(entries: &[Entry], after: usize) -> Vec<NumberedEvent> {
    let mut events: Vec<NumberedEvent> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_last) {
        let next = events.last().map_or(after, |event| event.number) + 1;
        if u64::try_from(next).ok() != Some(entry.number) {
            break;
        }
        let Ok(event) = serde_json::from_slice(&entry.payload) else { break };
        events.push(NumberedEvent { number: next, event });
    }
    events
}

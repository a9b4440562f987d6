//! What happens in a run, in numbered events that any number of readers follow at their own pace: a slow reader holds up
//! neither the run nor another reader.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::Stream;
use tokio::sync::watch;
use uuid::Uuid;

use super::Answer;
use crate::adapters::models::SwitchMode;
use crate::chat::citations::Citation;
use crate::web::problem::ProblemCode;

/// A step of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The question is stored; nothing that follows can lose it.
    Started {
        /// Run.
        run_id: Uuid,
        /// Conversation; absent for a single question.
        session_id: Option<Uuid>,
        /// Message of the user.
        question_id: Uuid,
    },
    /// The next characters of the answer.
    Delta(String),
    /// The passage of a marker that stands in the text for the first time.
    Citation(Box<Citation>),
    /// Everything told so far is void: the text begins anew.
    Reset {
        /// Machine-readable reason, e.g. `provider_failed`.
        reason: String,
    },
    /// Another model goes on with the answer.
    ProviderSwitched {
        /// Its provider.
        provider: String,
        /// Its name.
        model: String,
        /// From the beginning, or from where the text stands.
        mode: SwitchMode,
    },
    /// The end: the answer is stored.
    Done(Box<Answer>),
    /// The end: there is no answer.
    Failed {
        /// For programs.
        code: ProblemCode,
        /// For people.
        detail: String,
        /// Whether the same question may be answered when it is asked again.
        is_retryable: bool,
    },
}

impl RunEvent {
    fn is_last(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed { .. })
    }
}

/// An event with its number, which counts from 1 without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEvent {
    /// Number.
    pub number: usize,
    /// Event.
    pub event: RunEvent,
}

/// The events of a run so far.
#[derive(Debug)]
pub struct RunLog {
    events: Mutex<Vec<RunEvent>>,
    length: watch::Sender<usize>,
}

impl Default for RunLog {
    fn default() -> Self {
        Self { events: Mutex::default(), length: watch::Sender::new(0) }
    }
}

impl RunLog {
    /// Adds an event and wakes the readers.
    pub(super) fn append(&self, event: RunEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        self.length.send_replace(events.len());
    }

    /// Events after number `after`, as they come, through the last one of the run.
    pub fn follow(
        self: Arc<Self>,
        after: usize,
    ) -> impl Stream<Item = NumberedEvent> + Send + 'static {
        async_stream::stream! {
            let mut length = self.length.subscribe();
            let mut number = after;
            // The run's task holds the log too, so that the wait ends with an event and never with an error.
            while length.wait_for(|length| *length > number).await.is_ok() {
                let Some(event) = self.get(number) else { return };
                number += 1;
                let is_last = event.is_last();
                yield NumberedEvent { number, event };
                if is_last {
                    return;
                }
            }
        }
    }

    fn get(&self, index: usize) -> Option<RunEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }
}

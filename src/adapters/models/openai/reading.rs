//! Follows one answer from the response to its end: pieces to events, events to text, and the
//! clocks. Called by the adapter for OpenAI-compatible servers.
//!
//! The end of an answer is a `finish_reason` or `[DONE]`. A connection that ends with neither was
//! cut, however complete the text looks. Chunks carry no number, so one that a server sends twice
//! cannot be told from a word that is said twice, and stays; the end and the usage are passed on
//! once.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::wire::{self, Step};
use crate::adapters::models::clock::Clock;
use crate::adapters::models::no_answer::NoAnswerFilter;
use crate::adapters::models::sse::{MAX_EVENT_BYTES, SseReader};
use crate::adapters::models::{FinishReason, ModelError, ModelEvent, ModelUsage};

/// How long the usage, which comes behind the end of the text, is waited for.
const USAGE_GRACE: Duration = Duration::from_secs(2);

/// The bytes of a response as they arrive.
pub(super) type Bytes = BoxStream<'static, Result<Vec<u8>, ModelError>>;

/// One answer being read.
pub(super) struct Reading {
    bytes: Bytes,
    clock: Clock,
    key: Option<SecretString>,
    sse: SseReader,
    /// The start of the body, until it is clear whether it is a stream or one object.
    body: Option<Vec<u8>>,
    is_object: bool,
    filter: NoAnswerFilter,
    last_token: Option<Instant>,
    has_text: bool,
    /// The model said that it will not answer.
    is_refused: bool,
    finish: Option<FinishReason>,
    usage: Option<ModelUsage>,
    /// An error behind text that came in the same piece: the text goes out first.
    failure: Option<ModelError>,
}

impl Reading {
    pub fn new(bytes: Bytes, clock: Clock, key: Option<SecretString>) -> Self {
        Self {
            bytes,
            clock,
            key,
            sse: SseReader::default(),
            body: Some(Vec::new()),
            is_object: false,
            filter: NoAnswerFilter::default(),
            last_token: None,
            has_text: false,
            is_refused: false,
            finish: None,
            usage: None,
            failure: None,
        }
    }

    /// The next piece's text deltas; `None` after the end of the answer, which [`Reading::ending`]
    /// tells.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, ModelError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let (deadline, overdue) = self.deadline();
        let Ok(piece) = timeout_at(deadline, self.bytes.next()).await else {
            // The text is complete: a missing usage is no reason to lose it.
            return if self.finish.is_some() { Ok(None) } else { Err(overdue) };
        };
        match piece {
            Some(Ok(piece)) => self.take(&piece),
            Some(Err(error)) if self.finish.is_none() => Err(error),
            Some(Err(_)) => Ok(None),
            None => self.end_of_bytes(),
        }
    }

    /// The last events of a complete answer.
    pub fn ending(&mut self) -> Result<Vec<ModelEvent>, ModelError> {
        let mut events = Vec::new();
        let rest = self.filter.finish();
        if !rest.is_empty() {
            self.has_text |= !rest.trim().is_empty();
            events.push(ModelEvent::Delta(rest));
        }
        let finish = match self.finish.unwrap_or(FinishReason::Stop) {
            _ if self.is_refused => FinishReason::ContentFilter,
            FinishReason::ContentFilter => FinishReason::ContentFilter,
            _ if self.filter.is_no_answer() => FinishReason::NoAnswer,
            _ if !self.has_text => return Err(ModelError::Empty),
            reason => reason,
        };
        events.extend(self.usage.map(ModelEvent::Usage));
        events.push(ModelEvent::Finished(finish));
        Ok(events)
    }

    fn deadline(&self) -> (Instant, ModelError) {
        match self.last_token {
            None => self.clock.until_first(),
            Some(last) if self.finish.is_some() => {
                let (next, overdue) = self.clock.until_next(last);
                (next.min(last + USAGE_GRACE), overdue)
            }
            Some(last) => self.clock.until_next(last),
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<Option<Vec<String>>, ModelError> {
        let Some(mut body) = self.body.take() else {
            return self.take_events(piece);
        };
        body.extend_from_slice(piece);
        if body.len() > MAX_EVENT_BYTES {
            return Err(ModelError::Malformed(format!(
                "nothing readable within {MAX_EVENT_BYTES} bytes"
            )));
        }
        // A stream begins with a field name, a colon or an empty line; an object with its brace.
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        self.is_object = first == Some(&b'{');
        if self.is_object || first.is_none() {
            self.body = Some(body);
            return Ok(Some(Vec::new()));
        }
        self.take_events(&body)
    }

    fn take_events(&mut self, piece: &[u8]) -> Result<Option<Vec<String>>, ModelError> {
        let mut events = Vec::new();
        let read = self.sse.push(piece, &mut events);
        let mut deltas = Vec::new();
        for event in events {
            if event.trim() == "[DONE]" {
                self.finish.get_or_insert(FinishReason::Stop);
                // What was read before it still has to go out; then the loop ends.
                self.bytes = futures_util::stream::empty().boxed();
                break;
            }
            if !event.trim().is_empty() {
                match wire::read(&event, self.key.as_ref()) {
                    Ok(step) => deltas.extend(self.apply(step)),
                    Err(error) if deltas.is_empty() => return Err(error),
                    Err(error) => {
                        self.failure = Some(error);
                        break;
                    }
                }
            }
        }
        if let Err(error) = read
            && self.finish.is_none()
            && self.failure.is_none()
        {
            let error = ModelError::Malformed(error.to_string());
            if deltas.is_empty() {
                return Err(error);
            }
            self.failure = Some(error);
        }
        Ok(Some(deltas))
    }

    fn end_of_bytes(&mut self) -> Result<Option<Vec<String>>, ModelError> {
        if self.finish.is_some() {
            return Ok(None);
        }
        let rest = if self.is_object {
            self.is_object = false;
            let body = self.body.take().unwrap_or_default();
            let text = String::from_utf8(body);
            Some(text.map_err(|_| ModelError::Malformed("the answer is not utf-8".to_owned()))?)
        } else {
            self.sse.finish().map_err(|error| ModelError::Malformed(error.to_string()))?
        };
        let Some(rest) = rest.filter(|rest| !rest.trim().is_empty()) else {
            return Err(ModelError::Cut);
        };
        if rest.trim() == "[DONE]" {
            self.finish = Some(FinishReason::Stop);
            return Ok(None);
        }
        // The last chunk of a cut connection is itself cut, not malformed.
        let step = match wire::read(&rest, self.key.as_ref()) {
            Err(ModelError::Malformed(_)) => return Err(ModelError::Cut),
            read => read?,
        };
        let deltas: Vec<String> = self.apply(step).into_iter().collect();
        if self.finish.is_none() && deltas.is_empty() {
            return Err(ModelError::Cut);
        }
        Ok(Some(deltas))
    }

    fn apply(&mut self, step: Step) -> Option<String> {
        self.usage = step.usage.or(self.usage);
        self.is_refused |= step.is_refusal;
        let is_over = self.finish.is_some();
        self.finish = self.finish.or(step.finish);
        if !step.text.is_empty() || step.is_thinking || (step.finish.is_some() && !is_over) {
            self.last_token = Some(Instant::now());
        }
        if is_over || step.text.is_empty() {
            return None;
        }
        let text = self.filter.push(&step.text);
        self.has_text |= !text.trim().is_empty();
        (!text.is_empty()).then_some(text)
    }
}

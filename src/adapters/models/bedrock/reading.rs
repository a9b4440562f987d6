//! Follows one answer of ConverseStream to its end: events to text, and the clocks. The end is `messageStop`; a stream
//! that ends without it was cut. The usage comes behind it and is waited for a little.

use std::time::Duration;

use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput, StopReason};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::refusal;
use crate::adapters::models::clock::Clock;
use crate::adapters::models::no_answer::NoAnswerFilter;
use crate::adapters::models::{FinishReason, ModelError, ModelEvent, ModelStream};

/// How long the usage, which comes behind the end of the text, is waited for.
const USAGE_GRACE: Duration = Duration::from_secs(2);

/// The stream as the SDK gives it.
pub(super) type Receiver = aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver<
    ConverseStreamOutput,
    ConverseStreamOutputError,
>;

/// One answer being read.
pub(super) struct Reading {
    receiver: Receiver,
    clock: Clock,
    filter: NoAnswerFilter,
    last_token: Option<Instant>,
    has_text: bool,
    finish: Option<FinishReason>,
    usage: Option<(u64, u64)>,
}

impl Reading {
    pub fn new(receiver: Receiver, clock: Clock) -> Self {
        Self {
            receiver,
            clock,
            filter: NoAnswerFilter::default(),
            last_token: None,
            has_text: false,
            finish: None,
            usage: None,
        }
    }

    /// The next text, which may be empty; `None` after the end of the answer.
    async fn next(&mut self) -> Result<Option<String>, ModelError> {
        if self.finish.is_some() && self.usage.is_some() {
            return Ok(None);
        }
        let (deadline, overdue) = self.deadline();
        let Ok(received) = timeout_at(deadline, self.receiver.recv()).await else {
            // The text is complete: a missing usage is no reason to lose it.
            return if self.finish.is_some() { Ok(None) } else { Err(overdue) };
        };
        match received {
            Ok(Some(event)) => self.take(event).map(Some),
            Ok(None) | Err(_) if self.finish.is_some() => Ok(None),
            Ok(None) => Err(ModelError::Cut),
            Err(error) => Err(refusal::of_stream(&error)),
        }
    }

    /// The last events of a complete answer.
    fn ending(&mut self) -> Result<Vec<ModelEvent>, ModelError> {
        let mut events = Vec::new();
        let rest = self.filter.finish();
        if !rest.is_empty() {
            self.has_text |= !rest.trim().is_empty();
            events.push(ModelEvent::Delta(rest));
        }
        let finish = match self.finish.unwrap_or(FinishReason::Stop) {
            FinishReason::ContentFilter => FinishReason::ContentFilter,
            _ if self.filter.is_no_answer() => FinishReason::NoAnswer,
            _ if !self.has_text => return Err(ModelError::Empty),
            reason => reason,
        };
        if let Some((input_tokens, output_tokens)) = self.usage {
            events.push(ModelEvent::Usage { input_tokens, output_tokens });
        }
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

    fn take(&mut self, event: ConverseStreamOutput) -> Result<String, ModelError> {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) if self.finish.is_none() => {
                // Thinking is a sign of life and no text.
                self.last_token = Some(Instant::now());
                let text = delta.delta().and_then(|delta| delta.as_text().ok());
                let text = text.map(|text| self.filter.push(text)).unwrap_or_default();
                self.has_text |= !text.trim().is_empty();
                return Ok(text);
            }
            ConverseStreamOutput::MessageStop(stop) if self.finish.is_none() => {
                self.last_token = Some(Instant::now());
                self.finish = Some(finish_of(stop.stop_reason())?);
            }
            ConverseStreamOutput::Metadata(metadata) => {
                let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
                let usage = metadata.usage();
                self.usage =
                    usage.map(|usage| (count(usage.input_tokens()), count(usage.output_tokens())));
            }
            _ => {}
        }
        Ok(String::new())
    }
}

/// The answer as events; an error is the last one.
pub(super) fn events(mut reading: Reading) -> ModelStream {
    let events = async_stream::try_stream! {
        while let Some(text) = reading.next().await? {
            if !text.is_empty() {
                yield ModelEvent::Delta(text);
            }
        }
        for event in reading.ending()? {
            yield event;
        }
    };
    events.boxed()
}

fn finish_of(reason: &StopReason) -> Result<FinishReason, ModelError> {
    match reason {
        StopReason::EndTurn | StopReason::StopSequence => Ok(FinishReason::Stop),
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => Ok(FinishReason::Length),
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => {
            Ok(FinishReason::ContentFilter)
        }
        other => Err(ModelError::Malformed(format!("the model stopped for {}", other.as_str()))),
    }
}

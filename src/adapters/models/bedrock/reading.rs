//! Follows one answer of ConverseStream to its end: events to text, and the clocks. The end is `messageStop`; a stream
//! that ends without it was cut. The usage comes behind it and is waited for a little.

use std::time::Duration;

use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput, StopReason, TokenUsage};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{findings, refusal};
use crate::adapters::models::clock::Clock;
use crate::adapters::models::no_answer::NoAnswerFilter;
use crate::adapters::models::sse::MAX_EVENT_BYTES;
use crate::adapters::models::{
    FinishReason, GuardrailFinding, ModelError, ModelEvent, ModelStream, ModelUsage,
};

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
    usage: Option<ModelUsage>,
    /// The end of the stream's events was seen, whether it held a count or not.
    is_over: bool,
    findings: Vec<GuardrailFinding>,
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
            is_over: false,
            findings: Vec::new(),
        }
    }

    /// The next text, which may be empty; `None` after the end of the answer.
    async fn next(&mut self) -> Result<Option<String>, ModelError> {
        if self.finish.is_some() && self.is_over {
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
        if !self.findings.is_empty() {
            events.push(ModelEvent::Guardrail(std::mem::take(&mut self.findings)));
        }
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

    fn take(&mut self, event: ConverseStreamOutput) -> Result<String, ModelError> {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) if self.finish.is_none() => {
                // Thinking is a sign of life and no text.
                self.last_token = Some(Instant::now());
                let text = delta.delta().and_then(|delta| delta.as_text().ok());
                if text.is_some_and(|text| text.len() > MAX_EVENT_BYTES) {
                    let fault = format!("a piece of more than {MAX_EVENT_BYTES} bytes");
                    return Err(ModelError::Malformed(fault));
                }
                let text = text.map(|text| self.filter.push(text)).unwrap_or_default();
                self.has_text |= !text.trim().is_empty();
                return Ok(text);
            }
            ConverseStreamOutput::MessageStop(stop) if self.finish.is_none() => {
                self.last_token = Some(Instant::now());
                self.finish = Some(finish_of(stop.stop_reason())?);
            }
            ConverseStreamOutput::Metadata(metadata) => {
                self.is_over = true;
                self.usage = metadata.usage().and_then(counts);
                self.findings = metadata.trace().map(findings::of_trace).unwrap_or_default();
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

/// What was read from the cache or put into it is counted apart by the service; here it is part of what was read.
fn counts(usage: &TokenUsage) -> Option<ModelUsage> {
    let number = |tokens: Option<i32>| i64::from(tokens.unwrap_or_default());
    let (cached, written) =
        (number(usage.cache_read_input_tokens()), number(usage.cache_write_input_tokens()));
    let fresh = i64::from(usage.input_tokens());
    let whole = if fresh < 0 { fresh } else { fresh + cached + written };
    ModelUsage::counted(whole, i64::from(usage.output_tokens()), cached, written)
}

fn finish_of(reason: &StopReason) -> Result<FinishReason, ModelError> {
    match reason {
        StopReason::EndTurn | StopReason::StopSequence => Ok(FinishReason::Stop),
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => Ok(FinishReason::Length),
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => {
            Ok(FinishReason::ContentFilter)
        }
        // Newer models of Anthropic tell so that they will not answer; the SDK has no name for it yet.
        other if other.as_str() == "refusal" => Ok(FinishReason::ContentFilter),
        other => Err(ModelError::Malformed(format!("the model stopped for {}", other.as_str()))),
    }
}

//! One provider writing: its stream from the first text to its end, and what is noted of the try.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::relay::Entry;
use super::seam::Seam;
use super::{CallOutcome, Permit, Provider};
use crate::adapters::models::{
    Attempt, FinishReason, GuardrailFinding, ModelError, ModelEvent, ModelStream, ModelUsage,
    Prompt, SwitchMode,
};

/// What a provider says next.
pub(super) enum Said {
    /// Text; empty while it is held back.
    Text(String),
    /// Its end.
    End(FinishReason),
}

/// What is noted of a try while it goes on.
pub(super) struct Try {
    provider: Arc<Provider>,
    /// `None` for one that was not made.
    permit: Option<Permit>,
    entry: Entry,
    began: Instant,
    first_token_ms: Option<u32>,
    /// What it wrote, whether shown or not.
    pub written_bytes: usize,
    /// What the provider counted.
    pub usage: Option<ModelUsage>,
    guardrail: Vec<GuardrailFinding>,
}

impl Try {
    pub fn begin(provider: &Arc<Provider>, permit: Permit, entry: Entry, began: Instant) -> Self {
        Self { permit: Some(permit), began, ..Self::skipped(provider, entry) }
    }

    /// One that the breaker does not admit.
    pub fn skipped(provider: &Arc<Provider>, entry: Entry) -> Self {
        Self {
            provider: Arc::clone(provider),
            permit: None,
            entry,
            began: Instant::now(),
            first_token_ms: None,
            written_bytes: 0,
            usage: None,
            guardrail: Vec::new(),
        }
    }

    /// Tells the breaker.
    pub fn record(&self, ended: Result<(), &ModelError>) {
        let outcome = match ended {
            Ok(()) => CallOutcome::Good,
            Err(ModelError::FirstTokenTimeout(_)) => CallOutcome::FirstTokenTimeout,
            Err(error) if error.is_of_provider() => CallOutcome::Failed,
            Err(_) => CallOutcome::Void,
        };
        if let Some(permit) = self.permit {
            self.provider.breaker.record(permit, outcome, std::time::Instant::now());
        }
    }

    /// What the run keeps of it.
    pub fn into_event(self, ended: Result<(), &ModelError>) -> ModelEvent {
        let error = ended.err();
        if let Some(error) = error {
            tracing::warn!(provider = %self.provider.name, %error, "a model did not answer");
        }
        ModelEvent::Attempted(Box::new(Attempt {
            provider: self.provider.name.clone(),
            kind: self.provider.model.provider().to_owned(),
            model: self.provider.model.model().to_owned(),
            mode: self.entry.name().to_owned(),
            outcome: error.map_or("answered", ModelError::name).to_owned(),
            status: error.and_then(ModelError::code),
            first_token_ms: self.first_token_ms,
            total_ms: millis(self.began),
            usage: self.usage,
            guardrail: self.guardrail,
        }))
    }

    fn note(&mut self, event: ModelEvent) -> Option<Said> {
        match event {
            ModelEvent::Delta(text) => {
                self.written_bytes += text.len();
                return Some(Said::Text(text));
            }
            ModelEvent::Finished(reason) => return Some(Said::End(reason)),
            ModelEvent::Usage(usage) => self.usage = Some(usage),
            ModelEvent::Guardrail(findings) => self.guardrail.extend(findings),
            // No provider is made of providers.
            ModelEvent::Reset { .. }
            | ModelEvent::ProviderSwitched { .. }
            | ModelEvent::Attempted(_) => {}
        }
        None
    }
}

/// A provider that has begun to speak.
pub(super) struct Writing {
    pub tried: Try,
    stream: ModelStream,
    first: Option<Said>,
    seam: Seam,
    end: Option<FinishReason>,
}

impl Writing {
    /// Asks, and reads up to the first text or the end without any. With `written` it goes on behind that text.
    ///
    /// # Errors
    /// The try, and why nothing came of it.
    pub async fn open(
        mut tried: Try,
        prompt: &Prompt,
        written: Option<&str>,
    ) -> Result<Self, (Try, ModelError)> {
        let model = Arc::clone(&tried.provider.model);
        let asked = match written {
            Some(written) => model.continue_answer(prompt.clone(), written).await,
            None => model.answer(prompt.clone()).await,
        };
        let mut stream = match asked {
            Ok(stream) => stream,
            Err(error) => return Err((tried, error)),
        };
        // White space is nothing to see: a provider that fails behind it has shown nothing.
        let mut blank = String::new();
        let first = loop {
            let event = match stream.next().await {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Err((tried, error)),
                None => return Err((tried, ModelError::Empty)),
            };
            match tried.note(event) {
                Some(Said::Text(text)) if text.trim().is_empty() => blank.push_str(&text),
                Some(Said::Text(text)) => break Said::Text(blank + &text),
                Some(Said::End(reason)) if says_nothing(reason, tried.entry) => {
                    return Err((tried, ModelError::Empty));
                }
                Some(end) => break end,
                None => {}
            }
        };
        tried.first_token_ms = Some(millis(tried.began));
        let seam = written.map_or_else(Seam::none, Seam::behind);
        Ok(Self { tried, stream, first: Some(first), seam, end: None })
    }

    /// What comes next.
    ///
    /// # Errors
    /// The provider stopped without an end, or the time for the whole answer is over.
    pub async fn next(&mut self, deadline: Instant, total: Duration) -> Result<Said, ModelError> {
        if let Some(reason) = self.end {
            return Ok(Said::End(reason));
        }
        let said = match self.first.take() {
            Some(first) => first,
            None => match timeout_at(deadline, self.stream.next()).await {
                Err(_) => return Err(ModelError::TotalTimeout(total)),
                Ok(None) => return Err(ModelError::Cut),
                Ok(Some(event)) => {
                    self.tried.note(event?).unwrap_or_else(|| Said::Text(String::new()))
                }
            },
        };
        Ok(match said {
            Said::Text(text) => Said::Text(self.seam.push(text)),
            Said::End(reason) => {
                // Who goes on with an answer does not say that there is none.
                let continues = self.tried.entry == Entry::Taken(SwitchMode::Continued);
                let is_none = continues && reason == FinishReason::NoAnswer;
                // What the seam still holds goes out first.
                self.end = Some(if is_none { FinishReason::Stop } else { reason });
                Said::Text(self.seam.finish())
            }
        })
    }
}

/// An end without any text is an answer only for one who may say that there is none.
fn says_nothing(reason: FinishReason, entry: Entry) -> bool {
    let continues = entry == Entry::Taken(SwitchMode::Continued);
    match reason {
        FinishReason::Stop | FinishReason::Length => !continues,
        FinishReason::NoAnswer => continues,
        FinishReason::ContentFilter => false,
    }
}

fn millis(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}

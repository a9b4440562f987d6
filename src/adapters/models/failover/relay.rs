//! One answer on its way through the providers: which one writes, what is shown so far, and how the next one takes over.

use std::collections::VecDeque;
use std::sync::Arc;

use async_stream::stream;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::writing::{Said, Try, Writing};
use super::{FailoverSettings, Provider, RetryBudget};
use crate::adapters::models::{
    FinishReason, ModelError, ModelEvent, ModelStream, ModelUsage, Prompt, SwitchMode, tokens,
};

/// Longest answer that is passed on, in bytes; a provider that writes more ignores the bound it was given.
pub(super) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why a text is void; what failed in which way stands in the attempt.
const PROVIDER_FAILED: &str = "provider_failed";

/// How a provider comes to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing is shown yet.
    Started,
    /// It was asked before and had said nothing.
    Retried,
    /// After another one, of whose text something was shown.
    Taken(SwitchMode),
}

impl Entry {
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Retried => "retried",
            Self::Taken(mode) => mode.as_str(),
        }
    }
}

/// An answer in the making.
pub(super) struct Relay {
    waiting: VecDeque<Arc<Provider>>,
    budget: Arc<RetryBudget>,
    settings: FailoverSettings,
    /// Absent once nobody is left who could be asked: an answer may be long in the writing.
    prompt: Option<Prompt>,
    prompt_bytes: usize,
    deadline: Instant,
    /// What the reader sees.
    shown: String,
    /// Events that have still to go out.
    told: VecDeque<ModelEvent>,
    /// Why nobody has finished yet.
    cause: Option<ModelError>,
    usage: ModelUsage,
}

impl Relay {
    pub fn new(
        providers: &[Arc<Provider>],
        budget: Arc<RetryBudget>,
        settings: FailoverSettings,
        prompt: Prompt,
    ) -> Self {
        Self {
            waiting: providers.iter().cloned().collect(),
            budget,
            settings,
            prompt_bytes: prompt.bytes(),
            prompt: Some(prompt),
            deadline: Instant::now() + settings.total_timeout,
            shown: String::new(),
            told: VecDeque::new(),
            cause: None,
            usage: ModelUsage::default(),
        }
    }

    /// The answer as events; an error is the last one.
    pub fn events(mut self) -> ModelStream {
        let events = stream! {
            loop {
                let opened = self.open().await;
                while let Some(event) = self.told.pop_front() {
                    yield Ok(event);
                }
                let mut writing = match opened {
                    Ok(writing) => writing,
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                };
                let ended = loop {
                    match writing.next(self.deadline, self.settings.total_timeout).await {
                        Ok(Said::Text(text)) if text.is_empty() => {}
                        Ok(Said::Text(text)) => {
                            self.shown.push_str(&text);
                            yield Ok(ModelEvent::Delta(text));
                            if self.shown.len() > MAX_ANSWER_BYTES {
                                break Ok(FinishReason::Length);
                            }
                        }
                        Ok(Said::End(reason)) => break Ok(reason),
                        Err(error) => break Err(error),
                    }
                };
                match ended {
                    Ok(reason) => {
                        self.close(writing.tried, Ok(()));
                        while let Some(event) = self.told.pop_front() {
                            yield Ok(event);
                        }
                        yield Ok(ModelEvent::Usage(self.usage));
                        yield Ok(ModelEvent::Finished(reason));
                        return;
                    }
                    Err(error) => {
                        self.close(writing.tried, Err(&error));
                        self.cause = Some(error);
                    }
                }
            }
        };
        events.boxed()
    }

    /// The next provider that has something to say.
    async fn open(&mut self) -> Result<Writing, ModelError> {
        let entry = self.entry();
        while let Some(provider) = self.waiting.pop_front() {
            if Instant::now() >= self.deadline {
                break;
            }
            let continues = entry == Entry::Taken(SwitchMode::Continued);
            if continues && !provider.model.can_continue() {
                continue;
            }
            match self.ask(&provider, entry).await {
                Ok(writing) => {
                    self.announce(&provider, entry);
                    // Who has begun to speak is not asked again.
                    if self.waiting.is_empty() {
                        self.prompt = None;
                    }
                    return Ok(writing);
                }
                // A reader is told what broke the text, or else the last thing that a provider said.
                Err(error) if self.shown.is_empty() => match (&self.cause, &error) {
                    (Some(_), ModelError::Resting(_)) => {}
                    _ => self.cause = Some(error),
                },
                Err(_) => {}
            }
        }
        Err(self.cause.take().unwrap_or(ModelError::Empty))
    }

    fn entry(&self) -> Entry {
        if self.shown.is_empty() {
            Entry::Started
        } else if tokens::estimate(&self.shown) < self.settings.restart_tokens {
            Entry::Taken(SwitchMode::Restarted)
        } else {
            Entry::Taken(SwitchMode::Continued)
        }
    }

    /// Asks one provider until it says something, as often as may be.
    async fn ask(&mut self, provider: &Arc<Provider>, entry: Entry) -> Result<Writing, ModelError> {
        self.budget.call();
        let mut entry = entry;
        for number in 1.. {
            let permit = provider.breaker.admit(std::time::Instant::now()).map_err(|wait| {
                let resting = ModelError::Resting(wait);
                let skipped = Try::skipped(provider, entry);
                self.told.push_back(skipped.into_event(Err(&resting)));
                resting
            })?;
            let began = Instant::now();
            let tried = Try::begin(provider, permit, entry, began);
            let written = (entry == Entry::Taken(SwitchMode::Continued)).then_some(&*self.shown);
            let Some(prompt) = &self.prompt else { break };
            let opening = Writing::open(tried, prompt, written);
            let error = match timeout_at(self.deadline, opening).await {
                Ok(Ok(writing)) => return Ok(writing),
                Ok(Err((tried, error))) => {
                    self.close(tried, Err(&error));
                    error
                }
                Err(_) => {
                    let error = ModelError::TotalTimeout(self.settings.total_timeout);
                    self.close(Try::begin(provider, permit, entry, began), Err(&error));
                    return Err(error);
                }
            };
            let Some(wait) = self.wait_before_retry(number, &error) else { return Err(error) };
            tokio::time::sleep(wait).await;
            entry = Entry::Retried;
        }
        Err(ModelError::Empty)
    }

    /// How long to wait before the same provider is asked again; `None`: it is not.
    fn wait_before_retry(&self, tries: u32, error: &ModelError) -> Option<std::time::Duration> {
        let retry = &self.settings.retry;
        // Who has waited for a first token once does not wait again while somebody else can be asked.
        let is_slow = matches!(error, ModelError::FirstTokenTimeout(_));
        let is_worth_it = error.is_retryable() && (!is_slow || self.waiting.is_empty());
        if !self.shown.is_empty() || !is_worth_it || tries >= retry.tries {
            return None;
        }
        let wait = retry.backoff(tries, rand::random());
        let wait = wait.max(error.retry_after().unwrap_or_default());
        let is_in_time = wait <= retry.cap && Instant::now() + wait < self.deadline;
        (is_in_time && self.budget.take()).then_some(wait)
    }

    /// Tells the reader that another one writes now, once it does.
    fn announce(&mut self, provider: &Provider, entry: Entry) {
        let Entry::Taken(mode) = entry else { return };
        if mode == SwitchMode::Restarted {
            self.shown.clear();
            self.told.push_back(ModelEvent::Reset { reason: PROVIDER_FAILED.to_owned() });
        }
        self.told.push_back(ModelEvent::ProviderSwitched {
            provider: provider.name.clone(),
            model: provider.model.model().to_owned(),
            mode,
        });
    }

    /// A try is over: for its breaker, for the count, and for the run.
    fn close(&mut self, mut tried: Try, ended: Result<(), &ModelError>) {
        tried.record(ended);
        if tried.usage.is_none() && (ended.is_ok() || tried.written_bytes > 0) {
            tried.usage = Some(tokens::usage(self.prompt_bytes, tried.written_bytes));
        }
        self.usage = self.usage.plus(tried.usage.unwrap_or_default());
        self.told.push_back(tried.into_event(ended));
    }
}

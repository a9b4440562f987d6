//! A model made of several, in order: what one provider does not give, the next one does. Called through [`ChatModel`] like
//! any other; the run is told of every try, so that nothing of it stays hidden.
//!
//! Before the first text a provider is asked again, within a budget, and then the next one; the reader notices nothing.
//! After it there are three honest ways: with less than a few tokens shown the answer begins anew ([`ModelEvent::Reset`]),
//! with more another model goes on where the text stands, and when nobody is left the stream ends with the error and the
//! text is kept as a part of an answer. The times to the first and the next token are kept by the adapters, which see signs
//! of life that are no text; the time for the whole answer, whoever writes it, is kept here.
//!
//! [`ModelEvent::Reset`]: super::ModelEvent::Reset

mod breaker;
mod relay;
mod retry;
mod seam;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use breaker::{Breaker, BreakerSettings, CallOutcome, Permit};
pub use retry::{RetryBudget, RetrySettings};

use super::{ChatModel, ModelError, ModelStream, Prompt, Turn};
use relay::Relay;

/// How providers replace one another.
#[derive(Debug, Clone, Copy)]
pub struct FailoverSettings {
    /// Time for the whole answer, whoever writes it.
    pub total_timeout: Duration,
    /// Tokens shown below which an answer begins anew instead of being continued.
    pub restart_tokens: u64,
    /// How a provider is asked again.
    pub retry: RetrySettings,
    /// When a provider is left alone.
    pub breaker: BreakerSettings,
}

impl Default for FailoverSettings {
    /// What the service does unless the settings say otherwise.
    fn default() -> Self {
        Self {
            total_timeout: Duration::from_secs(120),
            restart_tokens: 40,
            retry: RetrySettings {
                tries: 3,
                base: Duration::from_millis(200),
                cap: Duration::from_secs(5),
                budget_percent: 10,
                burst: 10,
            },
            breaker: BreakerSettings {
                window: Duration::from_secs(30),
                least_calls: 20,
                error_percent: 50,
                first_token_timeouts: 5,
                probe_interval: Duration::from_secs(10),
            },
        }
    }
}

/// A provider with its name and its breaker, which all orders share.
pub struct Provider {
    /// Name in the settings.
    pub name: String,
    /// What answers.
    pub model: Arc<dyn ChatModel>,
    /// Leaves it alone when it fails.
    pub breaker: Breaker,
}

/// Providers in order.
#[derive(Clone)]
pub struct FailoverModel {
    providers: Arc<[Arc<Provider>]>,
    budget: Arc<RetryBudget>,
    settings: FailoverSettings,
}

impl FailoverModel {
    /// A model over `providers`, of which the first one is asked first; there must be one.
    pub(super) fn new(
        providers: Vec<Arc<Provider>>,
        budget: Arc<RetryBudget>,
        settings: FailoverSettings,
    ) -> Self {
        Self { providers: providers.into(), budget, settings }
    }
}

#[async_trait]
impl ChatModel for FailoverModel {
    fn provider(&self) -> &str {
        self.providers.first().map_or("none", |provider| &provider.name)
    }

    fn model(&self) -> &str {
        self.providers.first().map_or("none", |provider| provider.model.model())
    }

    /// Never fails itself: what went wrong is the last item of the stream, behind the tries.
    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let relay = Relay::new(&self.providers, Arc::clone(&self.budget), self.settings, prompt);
        Ok(relay.events())
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        let closed = self.providers.iter().find(|provider| provider.breaker.is_closed());
        match closed.or(self.providers.first()) {
            Some(provider) => provider.model.standalone_question(history, question).await,
            None => Ok(question.to_owned()),
        }
    }
}

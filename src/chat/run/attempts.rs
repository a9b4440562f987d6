//! What a run keeps of the tries of model providers: who answered, and the tokens of all of them together.

use crate::adapters::models::{Attempt, ModelUsage};
use crate::chat::store::runs::EndedRun;
use crate::telemetry::metrics::{RunFigures, metrics};

impl EndedRun {
    /// Counts the run, which is stored now.
    pub(super) fn count(&self, cost_micro_usd: Option<i64>) {
        metrics().run(&RunFigures {
            outcome: self.outcome,
            provider: &self.provider,
            model: &self.model,
            first_token_ms: self.first_token_ms,
            total_ms: self.total_ms,
            tokens: [self.input_tokens, self.output_tokens, self.cached_input_tokens],
            cost_micro_usd,
        });
    }

    /// The tokens of the whole answer.
    pub(super) fn set_usage(&mut self, usage: ModelUsage) {
        let count = |tokens: u64| i64::try_from(tokens).ok();
        self.input_tokens = count(usage.input_tokens);
        self.output_tokens = count(usage.output_tokens);
        self.cached_input_tokens = count(usage.cached_input_tokens);
        self.usage_estimated = usage.is_estimated;
    }

    /// A try is over. The last one that was made is whose answer it is, also when there is none.
    pub(super) fn add_attempt(&mut self, attempt: Attempt) {
        if attempt.outcome != "skipped" {
            self.provider.clone_from(&attempt.provider);
            self.model.clone_from(&attempt.model);
        }
        self.attempts.push(attempt);
        let counted = self.attempts.iter().filter_map(|attempt| attempt.usage);
        if let Some(usage) = counted.reduce(ModelUsage::plus) {
            self.set_usage(usage);
        }
    }
}

//! What a model says while it answers, and what is kept of each try of a provider.

use serde::{Deserialize, Serialize};

/// A step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// The next characters of the text; never empty.
    Delta(String),
    /// What was counted, sent at most once. A provider sends it only when it did count; the failover always, with an
    /// estimate where nobody counted.
    Usage(ModelUsage),
    /// What the provider's guardrail found in the question or the answer; the failover keeps it with the attempt.
    Guardrail(Vec<GuardrailFinding>),
    /// What came so far is void: the answer begins anew, with the next delta.
    Reset {
        /// Machine-readable reason, e.g. `provider_failed`.
        reason: String,
    },
    /// From here on another model writes.
    ProviderSwitched {
        /// Its provider.
        provider: String,
        /// Its name as its provider knows it.
        model: String,
        /// From the beginning, or from where the text stands.
        mode: SwitchMode,
    },
    /// A try of a provider is over, well or badly; told by the failover alone.
    Attempted(Box<Attempt>),
    /// The end of the answer: always the last event of a stream without an error.
    Finished(FinishReason),
}

/// How another model takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchMode {
    /// It begins the answer anew; a reset comes before.
    Restarted,
    /// It goes on where the text stands.
    Continued,
}

impl SwitchMode {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restarted => "restarted",
            Self::Continued => "continued",
        }
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model had said all.
    Stop,
    /// The bound on the length cut the answer.
    Length,
    /// The provider's filter withheld the answer or the rest of it, or the model refused.
    ContentFilter,
    /// The model found nothing in the passages that answers the question.
    NoAnswer,
}

/// Tokens of one try or of a whole answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// Tokens read: instructions, history, passages and question, those from a cache included.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Of the tokens read, those that came from the provider's cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Of the tokens read, those that were put into that cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Whether nobody counted and the numbers are made from lengths.
    #[serde(default)]
    pub is_estimated: bool,
}

impl ModelUsage {
    /// Tokens of one answer that no honest count exceeds: more than the largest context of any model.
    pub const MOST_TOKENS: u64 = 10_000_000;

    /// A count as a provider sends it; `None` when it is negative, larger than [`Self::MOST_TOKENS`], or says that more
    /// came from the cache than was read.
    pub fn counted(input: i64, output: i64, cached: i64, cache_write: i64) -> Option<Self> {
        let honest = |tokens: i64| u64::try_from(tokens).ok().filter(|it| *it <= Self::MOST_TOKENS);
        let usage = Self {
            input_tokens: honest(input)?,
            output_tokens: honest(output)?,
            cached_input_tokens: honest(cached)?,
            cache_write_tokens: honest(cache_write)?,
            is_estimated: false,
        };
        let cache = usage.cached_input_tokens + usage.cache_write_tokens;
        (cache <= usage.input_tokens).then_some(usage)
    }

    /// Both together; estimated when one of them is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            is_estimated: self.is_estimated || other.is_estimated,
        }
    }
}

/// One try of one provider, as it is stored with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its name in the settings.
    pub provider: String,
    /// Its adapter: `extractive`, `bedrock` or `openai`.
    pub kind: String,
    /// The model's name as the provider knows it.
    pub model: String,
    /// `started`, or how it took over: `retried`, `restarted`, `continued`.
    pub mode: String,
    /// `answered`, `skipped` while the breaker is open, or the name of the error.
    pub outcome: String,
    /// HTTP status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds to its first text; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u32>,
    /// Milliseconds to its end.
    pub total_ms: u32,
    /// Tokens; absent when nothing was written and nobody counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<ModelUsage>,
    /// What the guardrail found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrail: Vec<GuardrailFinding>,
}

/// What a guardrail found, without the words that it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardrailFinding {
    /// `input` or `output`.
    pub side: String,
    /// Policy: `topic`, `content`, `word`, `sensitive_information` or `grounding`.
    pub policy: String,
    /// Name of the topic, kind of content, or kind of information.
    pub name: String,
    /// What was done: `blocked`, `anonymized` or `none`.
    pub action: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_no_provider_can_mean_is_no_count() {
        let most = i64::try_from(ModelUsage::MOST_TOKENS).unwrap();
        assert!(ModelUsage::counted(most, most, 0, 0).is_some());
        assert!(ModelUsage::counted(most + 1, 1, 0, 0).is_none());
        assert!(ModelUsage::counted(1, most + 1, 0, 0).is_none());
        assert!(ModelUsage::counted(-1, 1, 0, 0).is_none());
        assert!(ModelUsage::counted(1, i64::MIN, 0, 0).is_none());
        assert!(ModelUsage::counted(10, 1, 6, 4).is_some());
        assert!(ModelUsage::counted(10, 1, 6, 5).is_none(), "more from the cache than was read");
    }

    #[test]
    fn a_sum_is_estimated_when_a_part_of_it_is() {
        let counted = ModelUsage::counted(10, 2, 3, 0).unwrap();
        let guessed = ModelUsage { input_tokens: 5, is_estimated: true, ..ModelUsage::default() };
        let sum = counted.plus(guessed);
        assert_eq!((sum.input_tokens, sum.output_tokens, sum.cached_input_tokens), (15, 2, 3));
        assert!(sum.is_estimated && !counted.plus(counted).is_estimated);
    }
}

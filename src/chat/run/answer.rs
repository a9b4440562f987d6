//! An answer as everyone gets it: the stream's last event, the JSON answer, and the history are this.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::chat::citations::Citation;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With a part of an answer.
    Partial,
    /// The documentation does not tell.
    NoAnswer,
    /// With a question back.
    Clarification,
    /// The provider's filter withheld it.
    Blocked,
    /// With nothing.
    Failed,
}

impl Outcome {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partial",
            Self::NoAnswer => "no_answer",
            Self::Clarification => "clarification",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }

    /// From the text of a row.
    pub fn from_row(text: &str) -> Option<Self> {
        [
            Self::Answered,
            Self::Partial,
            Self::NoAnswer,
            Self::Clarification,
            Self::Blocked,
            Self::Failed,
        ]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who answered and what it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Provider of the model.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Tokens of the prompts of all tries.
    pub input_tokens: Option<i64>,
    /// Tokens written in all tries.
    pub output_tokens: Option<i64>,
    /// Of the tokens of the prompt, those that came from the provider's cache; absent when nobody counted.
    pub cached_input_tokens: Option<i64>,
    /// Whether some of the tokens are made from lengths, since the provider did not count.
    pub is_estimated: bool,
    /// Price of both, in millionths of a US dollar; absent when no price is known.
    pub cost_micro_usd: Option<i64>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Message of the assistant.
    pub message_id: Uuid,
    /// Run that made it.
    pub run_id: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Text in Markdown, with markers `[n]`.
    pub content: String,
    /// Passages that the markers stand for.
    pub citations: Vec<Citation>,
    /// How the run ended.
    pub outcome: Outcome,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// Who answered and what it took.
    pub usage: Usage,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

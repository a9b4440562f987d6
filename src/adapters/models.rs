//! Chat models behind one trait: what the product hands to a model, and what it gets back. Called
//! by the run that answers a message; each provider is one file below.
//!
//! A model writes text and cites with markers `[n]` behind the sentence that they support; it never
//! decides what a marker points to. It reads no database, keeps nothing between two calls and does
//! not retry: the caller orders providers, repeats and counts.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub mod bedrock;
mod clock;
pub mod extractive;
mod messages;
mod no_answer;
pub mod openai;
mod rewriting;
pub mod sse;

pub use bedrock::{BedrockModel, BedrockSettings};
pub use extractive::ExtractiveModel;
pub use openai::{OpenAiModel, OpenAiSettings};

/// The answer of a model as it is being written. After `Finished` or an error nothing follows.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// A model that answers questions from passages.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// The adapter's name: `extractive`, `bedrock` or `openai`.
    fn provider(&self) -> &str;

    /// The model's name as its provider knows it.
    fn model(&self) -> &str;

    /// Starts an answer. An error before the first event may be retried elsewhere without the
    /// reader noticing; an error inside the stream means that what came before it is only part of
    /// an answer.
    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError>;

    /// A follow-up rewritten so that it can be searched and answered alone; the question itself
    /// when there is no history or nothing has to be added.
    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError>;
}

/// Everything that a model is given for one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// What the assistant's owner asks of every answer: tone, language, scope.
    pub instructions: String,
    /// Earlier turns, oldest first, without the question.
    pub history: Vec<Turn>,
    /// What the search found, best first. It is data: nothing in it is an instruction.
    pub passages: Vec<Passage>,
    /// The question as the user wrote it.
    pub question: String,
    /// The question as it can be understood without the history.
    pub standalone_question: String,
    /// Bound on the length of the answer, in the provider's tokens.
    pub max_output_tokens: u32,
    /// 0.0 for the most likely words, up to 2.0; providers without chance ignore it.
    pub temperature: f32,
}

/// A piece of a document that may hold the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Number that the answer cites it by, from 1.
    pub marker: u32,
    /// Title of the document.
    pub title: String,
    /// Headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// The text as it stands in the document, with its Markdown.
    pub text: String,
    /// Score of the fused search; comparable only among the passages of one prompt.
    pub score: f32,
    /// Cosine between question and passage, -1 to 1; `None` where the dense search did not see it.
    pub similarity: Option<f32>,
}

/// One message of the conversation so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who wrote it.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// Who wrote a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person who asks.
    User,
    /// The assistant that answers.
    Assistant,
}

/// A step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// The next characters of the text; never empty.
    Delta(String),
    /// What the provider counted, sent at most once and only when it did count.
    Usage {
        /// Tokens read: instructions, history, passages and question.
        input_tokens: u64,
        /// Tokens written.
        output_tokens: u64,
    },
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
    /// The end of the answer: always the last event of a stream without an error.
    Finished(FinishReason),
}

/// How another model takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchMode {
    /// It begins the answer anew; a reset comes before.
    Restarted,
    /// It goes on where the text stands.
    Continued,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model had said all.
    Stop,
    /// The bound on the length cut the answer.
    Length,
    /// The provider's filter withheld the answer or the rest of it.
    ContentFilter,
    /// The model found nothing in the passages that answers the question.
    NoAnswer,
}

/// Why there is no answer, or not all of it. No message holds a key or the text of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection; the request has not been read by the model.
    #[error("no connection to the model server: {0}; check its address and that it is running")]
    Connect(String),
    /// The server took the request and sent nothing of the answer in time.
    #[error(
        "the model sent no first token within {0:?}; try again or raise its first token time-out"
    )]
    FirstTokenTimeout(Duration),
    /// The answer began and then stood still.
    #[error("the model sent nothing for {0:?} inside its answer; try again")]
    NextTokenTimeout(Duration),
    /// The answer as a whole took too long.
    #[error("the model's answer was not complete within {0:?}; ask for a shorter one")]
    TotalTimeout(Duration),
    /// The server refused, by its status or by an error object in place of the answer.
    #[error("the model server answered with status {code}: {message}")]
    Status {
        /// HTTP status; 200 when the error came inside a stream without a code of its own.
        code: u16,
        /// The server's own words, shortened.
        message: String,
    },
    /// What came is not the protocol.
    #[error(
        "the model server's answer cannot be read: {0}; check that it is the server that the settings mean"
    )]
    Malformed(String),
    /// The connection ended without the end of the answer having been seen.
    #[error("the model's answer was cut off before its end; try again")]
    Cut,
    /// An answer without any text.
    #[error("the model ended its answer without any text; try again or ask otherwise")]
    Empty,
}

impl ModelError {
    /// Whether the same request may succeed when it is sent again, here or to another provider.
    /// A refused request (bad key, unknown model, too long) stays refused.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 409 | 425 | 429 | 500..=599),
            Self::Malformed(_) => false,
            Self::Connect(_)
            | Self::FirstTokenTimeout(_)
            | Self::NextTokenTimeout(_)
            | Self::TotalTimeout(_)
            | Self::Cut
            | Self::Empty => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_server_is_asked_again_and_a_wrong_key_is_not() {
        let status = |code| ModelError::Status { code, message: String::new() };
        assert!(status(429).is_retryable());
        assert!(status(503).is_retryable());
        assert!(!status(401).is_retryable());
        assert!(!status(400).is_retryable());
        assert!(ModelError::Cut.is_retryable());
        assert!(!ModelError::Malformed("x".into()).is_retryable());
    }
}

//! Chat models behind one trait: what the product hands to a model, and what it gets back. Called
//! by the run that answers a message; each provider is one file below.
//!
//! A model writes text and cites with markers `[n]` behind the sentence that they support; it never
//! decides what a marker points to. It reads no database, keeps nothing between two calls and does
//! not retry: the failover orders providers, repeats and counts.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub mod bedrock;
mod cards;
mod clock;
mod error;
mod events;
pub mod extractive;
pub mod failover;
mod messages;
mod no_answer;
pub mod openai;
mod registry;
mod retry_after;
mod rewriting;
pub mod sse;
pub mod tokens;

pub use bedrock::{BedrockModel, BedrockSettings};
pub(in crate::adapters) use cards::without_region;
pub use cards::{ModelCard, ModelCards};
pub use error::ModelError;
pub use events::{Attempt, FinishReason, GuardrailFinding, ModelEvent, ModelUsage, SwitchMode};
pub use extractive::{EXTRACTIVE, ExtractiveModel};
pub use failover::FailoverSettings;
pub use no_answer::NO_ANSWER;
pub use openai::{OpenAiModel, OpenAiServer, OpenAiSettings};
pub use registry::ModelRegistry;

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

    /// Whether it can go on with an answer that another model began.
    fn can_continue(&self) -> bool {
        false
    }

    /// Goes on with an answer whose beginning another model wrote: its text comes directly behind `written`. Asked only
    /// of models that can.
    async fn continue_answer(
        &self,
        _prompt: Prompt,
        _written: &str,
    ) -> Result<ModelStream, ModelError> {
        Err(ModelError::Malformed("this model does not continue another's answer".to_owned()))
    }

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
    /// Rules: the only text that orders anything.
    pub instructions: String,
    /// Earlier turns, oldest first, without the question.
    pub history: Vec<Turn>,
    /// The user's message as a model reads it: the passages, marked as data, and the question.
    pub message: String,
    /// The passages of the message, best first, for an answerer that reads no prose.
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

impl Prompt {
    /// Bytes of all that a model reads.
    fn bytes(&self) -> usize {
        let history: usize = self.history.iter().map(|turn| turn.content.len()).sum();
        self.instructions.len() + history + self.message.len()
    }
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

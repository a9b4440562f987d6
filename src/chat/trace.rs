//! How an answer came about: what each stage of its run found, left out and took. Collected while the run goes on, stored
//! with its end, and told to whoever looks after the documentation: why did it say that?

use std::time::Duration;

use crate::adapters::models::Prompt;
use crate::knowledge::{SearchResult, UnreadAttachment};

/// What is collected beside the row of the run and its candidates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTrace {
    /// Terms of the standalone question.
    pub terms: Vec<String>,
    /// Passages that were searched; absent when the run ended before.
    pub searched_chunks: Option<i64>,
    /// Passages that the search by meaning brought.
    pub dense_candidates: Option<i32>,
    /// Passages that the search by words brought.
    pub lexical_candidates: Option<i32>,
    /// Milliseconds to make the standalone question.
    pub prepare_ms: Option<f32>,
    /// Milliseconds to embed it.
    pub embed_ms: Option<f32>,
    /// Milliseconds of the search by meaning.
    pub dense_ms: Option<f32>,
    /// Milliseconds of the search by words.
    pub lexical_ms: Option<f32>,
    /// Milliseconds to fuse both and to read the passages.
    pub fuse_ms: Option<f32>,
    /// Earlier messages that the model was given.
    pub history_messages: i32,
    /// Characters of the prompt; absent when no model was asked.
    pub prompt_chars: Option<i64>,
    /// Longest answer that the model was allowed, in tokens.
    pub max_output_tokens: Option<i32>,
    /// Attachments of the session that could not be searched as they were sent.
    pub unread_attachments: Vec<UnreadAttachment>,
}

/// What became of the candidates of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A model was asked.
    Given {
        /// How many, from the first, it was given.
        used: usize,
        /// How many it would have been given if the prompt had had room for them.
        wanted: usize,
    },
    /// None was asked: what was found spoke too little for an answer.
    Refused,
    /// The run ended before one was asked.
    Failed,
}

/// Why the model was not given a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Others stand before it, and there are enough of them.
    BelowCut,
    /// The prompt was full.
    PromptBudget,
    /// No model was asked: all that was found spoke too little for an answer.
    BelowThreshold,
    /// The run ended before a model was asked.
    RunFailed,
}

impl RunTrace {
    /// Notes how long the standalone question took.
    pub fn note_preparation(&mut self, took: Duration) {
        self.prepare_ms = Some(took.as_secs_f32() * 1_000.0);
    }

    /// Whether an attachment will be in search later that was not yet.
    pub fn waits_for_attachments(&self) -> bool {
        self.unread_attachments.iter().any(UnreadAttachment::is_waiting)
    }

    /// Notes the size of what the model is given.
    pub fn note_prompt(&mut self, prompt: &Prompt) {
        let count = |text: &str| text.chars().count();
        let history: usize = prompt.history.iter().map(|turn| count(&turn.content)).sum();
        let chars = count(&prompt.instructions) + history + count(&prompt.message);
        self.history_messages = i32::try_from(prompt.history.len()).unwrap_or(i32::MAX);
        self.prompt_chars = i64::try_from(chars).ok();
        self.max_output_tokens = i32::try_from(prompt.max_output_tokens).ok();
    }

    /// Notes what a search found, and how long it took.
    pub fn note_search(&mut self, found: &SearchResult) {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds to be read by people")]
        let [embed, dense, lexical, fuse] = found.times_ms.map(|millis| Some(millis as f32));
        let count = |candidates: usize| Some(i32::try_from(candidates).unwrap_or(i32::MAX));
        self.terms.clone_from(&found.terms);
        self.unread_attachments.clone_from(&found.unread);
        self.searched_chunks = Some(found.searched_chunks);
        self.dense_candidates = count(found.dense_candidates);
        self.lexical_candidates = count(found.lexical_candidates);
        (self.embed_ms, self.dense_ms, self.lexical_ms, self.fuse_ms) =
            (embed, dense, lexical, fuse);
    }
}

impl DropReason {
    const ALL: [Self; 4] =
        [Self::BelowCut, Self::PromptBudget, Self::BelowThreshold, Self::RunFailed];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BelowCut => "below_cut",
            Self::PromptBudget => "prompt_budget",
            Self::BelowThreshold => "below_threshold",
            Self::RunFailed => "run_failed",
        }
    }

    /// From the text of a row.
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

//! A model that writes about documents what the tests can look for, and counts.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use pidima::adapters::models::{
    ChatModel, FinishReason, ModelError, ModelEvent, ModelStream, ModelUsage, Prompt, Turn,
};
use tokio::sync::Semaphore;

/// Stands in each context, and in no document.
pub const CONTEXT_WORD: &str = "quokka";

pub struct Writer {
    prompts: Mutex<Vec<Prompt>>,
    faults: Mutex<VecDeque<ModelError>>,
    replies: Mutex<VecDeque<(String, FinishReason)>>,
    holds: Mutex<usize>,
    entered: Semaphore,
    released: Semaphore,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            prompts: Mutex::default(),
            faults: Mutex::default(),
            replies: Mutex::default(),
            holds: Mutex::default(),
            entered: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }
}

impl Writer {
    /// Prompts so far.
    pub fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }

    /// Makes the next call fail.
    pub fn fail_next(&self, error: ModelError) {
        self.faults.lock().unwrap().push_back(error);
    }

    /// What it replies next, in place of what it would write.
    pub fn reply_next(&self, text: &str) {
        self.replies.lock().unwrap().push_back((text.to_owned(), FinishReason::Stop));
    }

    /// The same, cut off at the longest that it may be.
    pub fn cut_next(&self, text: &str) {
        self.replies.lock().unwrap().push_back((text.to_owned(), FinishReason::Length));
    }

    /// Holds up the next call.
    pub fn hold_next(&self) {
        *self.holds.lock().unwrap() += 1;
    }

    /// Waits until a call is held up.
    pub async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Lets a call that is held up go on.
    pub fn release(&self) {
        self.released.add_permits(1);
    }
}

/// What it writes unless it is told otherwise.
fn written(question: &str) -> String {
    if question.starts_with("Overview of ") {
        return "It tells how the machine runs.\n\nQ: When does the pump run?\nQ: When does the motor rest?"
            .to_owned();
    }
    if let Some(rest) = question.strip_prefix("Context of passage ") {
        return format!("This is about the {CONTEXT_WORD} machine, part {rest}.");
    }
    "The pump of the machine runs at night. [1]".to_owned()
}

#[async_trait]
impl ChatModel for Writer {
    fn provider(&self) -> &'static str {
        "writer"
    }

    fn model(&self) -> &'static str {
        "writer-1"
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let question = prompt.question.clone();
        self.prompts.lock().unwrap().push(prompt);
        let is_held = {
            let mut holds = self.holds.lock().unwrap();
            let is_held = *holds > 0;
            *holds = holds.saturating_sub(1);
            is_held
        };
        if is_held {
            self.entered.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(error) = fault {
            return Err(error);
        }
        let reply = self.replies.lock().unwrap().pop_front();
        let (text, reason) = reply.unwrap_or_else(|| (written(&question), FinishReason::Stop));
        let usage = ModelUsage::counted(1_000, 10, 800, 0).unwrap();
        let events =
            [ModelEvent::Delta(text), ModelEvent::Usage(usage), ModelEvent::Finished(reason)];
        Ok(stream::iter(events.map(Ok)).boxed())
    }

    async fn standalone_question(
        &self,
        _history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        Ok(question.to_owned())
    }
}

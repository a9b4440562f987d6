//! The task of a run: one stage after the other, each in a file of its own. Whatever happens, it ends with one last event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use uuid::Uuid;

use super::error::RunError;
use super::history::History;
use super::progress::Progress;
use super::write::NOTHING_FOUND;
use super::{Answer, Chat, Question, RunEvent, RunLog};
use crate::adapters::models::FinishReason;
use crate::chat::prompt;

pub(super) struct Generation {
    pub chat: Chat,
    pub question: Question,
    pub run_id: Uuid,
    pub history: History,
    pub log: Arc<RunLog>,
    pub began: Instant,
}

/// How the model's stream ended.
pub(super) enum Ending {
    /// By itself.
    Finished(FinishReason),
    /// Inside its answer.
    Broken,
}

impl Generation {
    pub async fn run(self) {
        let model = &self.chat.model;
        let log = Arc::clone(&self.log);
        let mut progress =
            Progress::new(self.run_id, model.provider(), model.model(), log, self.began);
        // Readers wait for the last event, also when a model or an embedder panics.
        let answering = AssertUnwindSafe(self.answer(&mut progress)).catch_unwind().await;
        match answering.unwrap_or(Err(RunError::Crashed)) {
            Ok(answer) => self.log.append(RunEvent::Done(Box::new(answer))),
            Err(error) => self.fail(progress, &error).await,
        }
    }

    async fn answer(&self, progress: &mut Progress) -> Result<Answer, RunError> {
        let standalone = self.prepare(progress).await;
        self.retrieve(&standalone, progress).await?;
        let ending = if progress.given == 0 {
            progress.writer.push(NOTHING_FOUND);
            Ending::Finished(FinishReason::NoAnswer)
        } else {
            let prompt = prompt::build(
                &self.question.content,
                standalone,
                &self.history.turns,
                progress.passages(),
                self.chat.settings.max_output_tokens,
            );
            progress.trace.note_prompt(&prompt);
            self.write(prompt, progress).await?
        };
        progress.writer.finish();
        progress.writer.needs_text(&ending)?;
        self.store_answer(progress, &ending).await
    }
}

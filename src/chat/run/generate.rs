//! The task of a run: one stage after the other, each in a file of its own, while its events are stored beside them.
//! Whatever happens, it ends with one last event.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::{Either, join3, select};
use uuid::Uuid;

use super::error::RunError;
use super::history::History;
use super::live::{LiveRun, Stop};
use super::progress::Progress;
use super::write::NOTHING_FOUND;
use super::{Chat, Question};
use crate::adapters::models::FinishReason;
use crate::chat::prompt;

pub(super) struct Generation {
    pub chat: Chat,
    pub question: Question,
    pub run_id: Uuid,
    pub history: History,
    pub run: LiveRun,
    pub began: Instant,
}

/// How the text of an answer ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// By itself.
    Finished(FinishReason),
    /// The model broke off.
    Broken,
    /// A fault of ours.
    Crashed,
    /// It was stopped.
    Stopped(Stop),
}

/// Forgets the run at its end. Should that be a panic, nobody keeps its lease any more: others end it.
struct Leave<'a>(&'a Generation);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.chat.live.remove(self.0.run_id);
        self.0.run.log.close();
    }
}

impl Generation {
    pub async fn run(self) {
        let _leave = Leave(&self);
        let model = &self.chat.model;
        let mut progress = Progress::new(&self, model.provider(), model.model());
        let (made, saved, ()) = join3(self.make(&mut progress), self.record(), self.relay()).await;
        progress.saved = saved;
        self.end(made, progress).await;
        self.relay_end().await;
    }

    /// Makes the text, until it is complete or the run is stopped.
    async fn make(&self, progress: &mut Progress) -> Result<Ending, RunError> {
        // Readers wait for the last event, also when a model or an embedder panics.
        let answering = Box::pin(AssertUnwindSafe(self.answer(progress)).catch_unwind());
        let stopped = Box::pin(self.run.stopped());
        let made = match select(answering, stopped).await {
            Either::Left((made, _)) => made.unwrap_or(Ok(Ending::Crashed)),
            Either::Right((stop, _)) => Ok(Ending::Stopped(stop)),
        };
        let complete = made.and_then(|ending| progress.writer.complete(ending));
        self.run.log.set_written();
        complete
    }

    async fn answer(&self, progress: &mut Progress) -> Result<Ending, RunError> {
        let standalone = self.prepare(progress).await;
        self.retrieve(&standalone, progress).await?;
        if progress.given == 0 {
            progress.writer.push(NOTHING_FOUND);
            return Ok(Ending::Finished(FinishReason::NoAnswer));
        }
        let prompt = prompt::build(
            &self.question.content,
            standalone,
            &self.history.turns,
            progress.passages(),
            self.chat.settings.max_output_tokens,
        );
        progress.trace.note_prompt(&prompt);
        self.write(prompt, progress).await
    }
}

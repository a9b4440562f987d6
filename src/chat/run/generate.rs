//! The task of a run: one stage after the other, each in a file of its own, while its events are stored beside them.
//! Whatever happens, it ends with one last event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::{Either, join3, select};
use uuid::Uuid;

use super::error::RunError;
use super::history::History;
use super::live::{LiveRun, Stop};
use super::progress::Progress;
use super::{Chat, Question};
use crate::adapters::models::{ChatModel, FinishReason};
use crate::chat::assistants::Answering;
use crate::chat::evidence::Evidence;
use crate::chat::prompt::{self, Built, Sources};
use crate::chat::refusal::{Refusal, is_vague};
use crate::chat::summarise::Summarising;
use crate::kernel::ids::holds_attachments;
use crate::knowledge::{Hit, SearchedAhead, has_attachments};
use crate::telemetry::traced;

pub(super) struct Generation {
    pub chat: Chat,
    /// What answers: the assistant's providers in their order.
    pub model: Arc<dyn ChatModel>,
    pub question: Question,
    /// How it is answered.
    pub answering: Answering,
    /// Collections that are searched, all that the reader reaches when empty; nothing is when absent.
    pub scope: Option<Vec<Uuid>>,
    /// The search for the question as it was asked, when it is under way.
    pub searched: Option<SearchedAhead>,
    pub run_id: Uuid,
    pub question_id: Uuid,
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
    /// There was none: no model was asked.
    Refused(Refusal),
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
    /// Runs to the end. Stages before and after the model's writing have room of their own for as long as they take: writing
    /// is what lasts, and thousands write at once.
    pub async fn run(mut self) {
        let searched = self.searched.take();
        let _leave = Leave(&self);
        let mut progress = Progress::new(&self, self.model.provider(), self.model.model());
        progress.searched = searched;
        let (made, saved, ()) = join3(self.make(&mut progress), self.record(), self.relay()).await;
        progress.saved = saved;
        let is_made = matches!(made, Ok(Ending::Finished(_) | Ending::Refused(_)));
        Box::pin(self.end(made, progress)).await;
        Box::pin(self.relay_end()).await;
        if is_made {
            self.summarise_behind();
        }
    }

    /// Nobody waits for the summary of a long conversation.
    fn summarise_behind(&self) {
        let Some(session_id) = self.question.session_id else { return };
        // With this question and its answer; while they are few there is nothing to be summarised.
        let newer = i64::try_from(self.history.unsummarised + 2).unwrap_or(i64::MAX);
        let is_short = newer < self.chat.past_messages();
        if is_short || !self.chat.can_write(&self.answering.configuration) {
            return;
        }
        let work = Summarising {
            tenant: self.question.tenant,
            session_id,
            reader: self.question.reader.clone(),
            model: Arc::clone(&self.model),
            window: self.chat.window(&self.answering.configuration),
        };
        self.chat.tasks.spawn(self.chat.clone().summarise(work));
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
        if matches!(made, Ok(Ending::Stopped(_))) {
            progress.tell_waiting();
        }
        let complete = made.and_then(|ending| progress.writer.complete(ending));
        self.run.log.set_written();
        complete
    }

    async fn answer(&self, progress: &mut Progress) -> Result<Ending, RunError> {
        let standalone = Box::pin(self.prepare(progress)).await;
        if let Some(refusal) = Box::pin(self.refusal(&standalone, progress)).await? {
            progress.given = 0;
            self.run.log.set_read_collections(self.read_collections(progress));
            progress.writer.push(refusal.text(self.answering.configuration.language.as_deref()));
            return Ok(Ending::Refused(refusal));
        }
        let ending = self.ask_model(&standalone, progress).await?;
        if matches!(ending, Ending::Finished(FinishReason::NoAnswer))
            && progress.trace.waits_for_attachments()
        {
            let language = self.answering.configuration.language.as_deref();
            progress.writer.add(Refusal::AttachmentsUnread.text(language));
        }
        Ok(ending)
    }

    /// Whether a question that names nothing is asked where files are attached: then it is about those. A model that only picks
    /// sentences can make nothing of it.
    async fn points_at_attachments(&self, standalone: &str) -> Result<bool, RunError> {
        let points = is_vague(standalone) && self.chat.can_write(&self.answering.configuration);
        match self.question.session_id.filter(|_| points) {
            Some(session_id) => {
                let looked = async {
                    let mut tx = self.chat.db.tenant(self.question.tenant).await?;
                    has_attachments(&mut tx, session_id).await
                };
                looked.await.map_err(|error| RunError::Search(error.into()))
            }
            None => Ok(false),
        }
    }

    /// Why no model is to be asked, if so; what the search found is in `progress` otherwise.
    async fn refusal(
        &self,
        standalone: &str,
        progress: &mut Progress,
    ) -> Result<Option<Refusal>, RunError> {
        let configuration = &self.answering.configuration;
        let points_at_files = self.points_at_attachments(standalone).await?;
        if configuration.ask_back && is_vague(standalone) && !points_at_files {
            return Ok(Some(Refusal::Vague));
        }
        self.retrieve(standalone, points_at_files, progress).await?;
        // Who asks "what is this about?" or "sum it up" names nothing that could speak for an answer.
        let is_attached = |hit: &Hit| holds_attachments(hit.passage.collection_id);
        let is_about_files = progress.passages().iter().any(is_attached);
        let least = if is_about_files { 0 } else { configuration.min_evidence };
        let is_weak = || Evidence::gather(standalone, progress.passages()).percent() < least;
        let refusal = match progress.given {
            0 => Refusal::NoCandidates,
            _ if least > 0 && is_weak() => Refusal::BelowThreshold,
            _ => return Ok(None),
        };
        // What is missing may stand in the file that was just attached.
        let waits = progress.trace.waits_for_attachments();
        Ok(Some(if waits { Refusal::AttachmentsUnread } else { refusal }))
    }

    async fn ask_model(
        &self,
        standalone: &str,
        progress: &mut Progress,
    ) -> Result<Ending, RunError> {
        let built = traced!("prompt").in_scope(|| self.prompt(standalone, progress))?;
        progress.give(&built, &self.chat.settings.filter);
        // Before the first word: who reads along must reach them all.
        self.run.log.set_read_collections(self.read_collections(progress));
        self.write(built.prompt, progress).await
    }

    /// What the model is told. Nothing that it is made of is kept while the model writes.
    fn prompt(&self, standalone: &str, progress: &Progress) -> Result<Built, RunError> {
        let passages = prompt::passages(progress.passages());
        let sources = Sources {
            configuration: &self.answering.configuration,
            summary: self.history.summary.as_deref(),
            turns: &self.history.turns,
            passages: &passages,
            question: &self.question.content,
            standalone_question: standalone,
        };
        Ok(prompt::build(&sources, self.chat.window(&self.answering.configuration))?)
    }
}

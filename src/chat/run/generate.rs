//! The task of a run: one stage after the other, each in a file of its own. Whatever happens, it ends with one last event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use uuid::Uuid;

use super::error::RunError;
use super::history::History;
use super::progress::Progress;
use super::{Answer, Chat, Question, RunEvent, RunLog};
use crate::adapters::models::{ChatModel, FinishReason};
use crate::chat::assistants::Answering;
use crate::chat::evidence::Evidence;
use crate::chat::prompt::{self, Sources};
use crate::chat::refusal::{Refusal, is_vague};
use crate::chat::summarise::Summarising;

pub(super) struct Generation {
    pub chat: Chat,
    /// What answers: the assistant's providers in their order.
    pub model: Arc<dyn ChatModel>,
    pub question: Question,
    /// How it is answered.
    pub answering: Answering,
    /// Collections that are searched, all that the reader reaches when empty; nothing is when absent.
    pub scope: Option<Vec<Uuid>>,
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
    /// There was none: no model was asked.
    Refused(Refusal),
}

impl Generation {
    pub async fn run(self) {
        let model = &self.model;
        let log = Arc::clone(&self.log);
        let mut progress =
            Progress::new(self.run_id, model.provider(), model.model(), log, self.began);
        // Readers wait for the last event, also when a model or an embedder panics.
        let answering = AssertUnwindSafe(self.answer(&mut progress)).catch_unwind().await;
        match answering.unwrap_or(Err(RunError::Crashed)) {
            Ok(answer) => {
                self.log.append(RunEvent::Done(Box::new(answer)));
                self.summarise_behind();
            }
            Err(error) => self.fail(progress, &error).await,
        }
    }

    /// Nobody waits for the summary of a long conversation.
    fn summarise_behind(&self) {
        let Some(session_id) = self.question.session_id else { return };
        let work = Summarising {
            tenant: self.question.tenant,
            session_id,
            reader: self.question.reader.clone(),
            model: Arc::clone(&self.model),
            window: self.chat.window(&self.answering.configuration),
        };
        self.chat.tasks.spawn(self.chat.clone().summarise(work));
    }

    async fn answer(&self, progress: &mut Progress) -> Result<Answer, RunError> {
        let standalone = self.prepare(progress).await;
        let ending = match self.refusal(&standalone, progress).await? {
            Some(refusal) => {
                progress.given = 0;
                let language = self.answering.configuration.language.as_deref();
                progress.writer.push(refusal.text(language));
                Ending::Refused(refusal)
            }
            None => self.ask_model(&standalone, progress).await?,
        };
        progress.writer.finish();
        progress.writer.needs_text(&ending)?;
        self.store_answer(progress, &ending).await
    }

    /// Why no model is to be asked, if so; what the search found is in `progress` otherwise.
    async fn refusal(
        &self,
        standalone: &str,
        progress: &mut Progress,
    ) -> Result<Option<Refusal>, RunError> {
        let configuration = &self.answering.configuration;
        if configuration.ask_back && is_vague(standalone) {
            return Ok(Some(Refusal::Vague));
        }
        self.retrieve(standalone, progress).await?;
        if progress.given == 0 {
            return Ok(Some(Refusal::NoCandidates));
        }
        let evidence = Evidence::gather(standalone, progress.passages()).percent();
        Ok((evidence < configuration.min_evidence).then_some(Refusal::BelowThreshold))
    }

    async fn ask_model(
        &self,
        standalone: &str,
        progress: &mut Progress,
    ) -> Result<Ending, RunError> {
        let passages = prompt::passages(progress.passages());
        let sources = Sources {
            configuration: &self.answering.configuration,
            summary: self.history.summary.as_deref(),
            turns: &self.history.turns,
            passages: &passages,
            question: &self.question.content,
            standalone_question: standalone,
        };
        let built = prompt::build(&sources, self.chat.window(&self.answering.configuration))?;
        progress.give(&built, &self.chat.settings.filter);
        self.write(built.prompt, progress).await
    }
}

//! The task of a run: search, prompt, model, citations, storage. Whatever happens, it ends with one last event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{FutureExt, StreamExt};
use uuid::Uuid;

use super::history::History;
use super::{Answer, Chat, Outcome, Question, RunEvent, RunLog, Usage};
use crate::adapters::models::{FinishReason, ModelError, ModelEvent, Passage, Prompt};
use crate::chat::citations::{CitationBuilder, Piece};
use crate::chat::store::runs::EndedRun;
use crate::db;
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::{Hit, Scope, SearchError, SearchQuery};
use crate::web::problem::ProblemCode;

/// What every answer is asked to be.
const INSTRUCTIONS: &str = "You answer questions about the documentation of a product, from the passages given and \
from nothing else. Be brief and exact. Answer in the language of the question.";

/// Said when search finds nothing at all, so that no model need be asked.
const NOTHING_FOUND: &str = "The documentation searched does not answer this question.";

/// Candidates that are recorded for each passage given to the model.
const RECORDED_PER_PASSAGE: usize = 2;

pub(super) struct Generation {
    pub chat: Chat,
    pub question: Question,
    pub run_id: Uuid,
    pub history: History,
    pub log: Arc<RunLog>,
    pub began: Instant,
}

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("searching the documentation failed; try again")]
    Search(#[source] SearchError),
    #[error("{0}")]
    Model(#[from] ModelError),
    #[error("storing the answer failed; try again")]
    Database(#[from] db::Error),
    #[error("the session was deleted while the answer was made")]
    Gone,
    #[error("answering ended abnormally; try again")]
    Crashed,
}

impl RunError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Search(_) => "search_failed",
            Self::Model(_) => "model_failed",
            Self::Database(_) => "storage_failed",
            Self::Gone => "session_deleted",
            Self::Crashed => "crashed",
        }
    }

    fn code(&self) -> ProblemCode {
        match self {
            Self::Gone => ProblemCode::Conflict,
            Self::Crashed => ProblemCode::Internal,
            Self::Model(error) if !error.is_retryable() => ProblemCode::Internal,
            _ => ProblemCode::Unavailable,
        }
    }
}

/// What is known of a run while it goes on.
#[derive(Default)]
struct Progress {
    ended: EndedRun,
    hits: Vec<Hit>,
}

/// How the model's stream ended.
enum Ending {
    Finished(FinishReason),
    Broken,
}

impl Generation {
    pub async fn run(self) {
        let model = &self.chat.model;
        let mut progress = Progress {
            ended: EndedRun {
                run_id: self.run_id,
                provider: model.provider().to_owned(),
                model: model.model().to_owned(),
                ..EndedRun::default()
            },
            hits: Vec::new(),
        };
        // Readers wait for the last event, also when a model or an embedder panics.
        let answering = AssertUnwindSafe(self.answer(&mut progress)).catch_unwind().await;
        match answering.unwrap_or(Err(RunError::Crashed)) {
            Ok(answer) => self.log.append(RunEvent::Done(Box::new(answer))),
            Err(error) => self.fail(progress, &error).await,
        }
    }

    async fn answer(&self, progress: &mut Progress) -> Result<Answer, RunError> {
        let standalone = self
            .chat
            .model
            .standalone_question(&self.history.turns, &self.question.content)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(run.id = %self.run_id, %error, "the question is searched as it stands");
                self.question.content.clone()
            });
        progress.ended.standalone_question = Some(standalone.clone());
        let searching = Instant::now();
        progress.hits = self.search(&standalone).await?;
        progress.ended.search_ms = Some(millis(searching));

        let given = progress.hits.len().min(self.chat.settings.passages);
        let mut builder = CitationBuilder::new(
            progress.hits[..given].iter().map(|hit| hit.passage.clone()).collect(),
        );
        let ending = if given == 0 {
            self.emit(&mut progress.ended, builder.push(NOTHING_FOUND));
            Ending::Finished(FinishReason::NoAnswer)
        } else {
            let prompt = self.prompt(&progress.hits[..given], standalone);
            self.generate(prompt, &mut builder, &mut progress.ended).await?
        };
        self.emit(&mut progress.ended, builder.finish());
        if builder.content().trim().is_empty() {
            self.without_text(&ending, &mut builder, &mut progress.ended)?;
        }
        self.store(progress, &builder, &ending, given).await
    }

    /// A model that finds nothing need not say so; any other must have said something.
    fn without_text(
        &self,
        ending: &Ending,
        builder: &mut CitationBuilder,
        ended: &mut EndedRun,
    ) -> Result<(), ModelError> {
        match ending {
            Ending::Finished(FinishReason::NoAnswer) => {
                self.emit(ended, builder.push(NOTHING_FOUND));
                self.emit(ended, builder.finish());
                Ok(())
            }
            Ending::Finished(FinishReason::ContentFilter) => Ok(()),
            Ending::Finished(FinishReason::Stop | FinishReason::Length) => Err(ModelError::Empty),
            Ending::Broken => Err(ModelError::Cut),
        }
    }

    async fn search(&self, standalone: &str) -> Result<Vec<Hit>, RunError> {
        let query = SearchQuery {
            scope: Scope {
                tenant: self.question.tenant,
                reader: self.question.reader.clone(),
                collection_ids: self.question.collection_ids.clone(),
                metadata: None,
            },
            text: standalone.to_owned(),
            limit: self.chat.settings.passages * RECORDED_PER_PASSAGE,
        };
        Ok(self.chat.search.find(&query).await.map_err(RunError::Search)?.hits)
    }

    fn prompt(&self, hits: &[Hit], standalone_question: String) -> Prompt {
        #[expect(clippy::cast_possible_truncation, reason = "scores lose nothing that matters")]
        let passages = (1..).zip(hits).map(|(marker, hit)| Passage {
            marker,
            title: hit.passage.document_title.clone(),
            heading_path: hit.passage.heading_path.clone(),
            text: hit.passage.body.clone(),
            score: hit.ranks.fused as f32,
            similarity: hit.ranks.similarity.map(|similarity| similarity as f32),
        });
        Prompt {
            instructions: INSTRUCTIONS.to_owned(),
            history: self.history.turns.clone(),
            passages: passages.collect(),
            question: self.question.content.clone(),
            standalone_question,
            max_output_tokens: self.chat.settings.max_output_tokens,
            temperature: 0.0,
        }
    }

    /// Reads the model's stream to its end. An error after the first text leaves a part of an answer.
    async fn generate(
        &self,
        prompt: Prompt,
        builder: &mut CitationBuilder,
        ended: &mut EndedRun,
    ) -> Result<Ending, RunError> {
        let mut stream = self.chat.model.answer(prompt).await?;
        loop {
            match stream.next().await {
                Some(Ok(ModelEvent::Delta(text))) => {
                    let pieces = builder.push(&text);
                    self.emit(ended, pieces);
                }
                Some(Ok(ModelEvent::Usage { input_tokens, output_tokens })) => {
                    ended.input_tokens = i64::try_from(input_tokens).ok();
                    ended.output_tokens = i64::try_from(output_tokens).ok();
                }
                Some(Ok(ModelEvent::Finished(reason))) => return Ok(Ending::Finished(reason)),
                Some(Err(error)) if builder.content().is_empty() => return Err(error.into()),
                Some(Err(error)) => return Ok(self.broken(&error)),
                None if builder.content().is_empty() => return Err(ModelError::Empty.into()),
                None => return Ok(self.broken(&ModelError::Cut)),
            }
        }
    }

    fn broken(&self, error: &ModelError) -> Ending {
        tracing::warn!(run.id = %self.run_id, %error, "the model stopped inside its answer");
        Ending::Broken
    }

    fn emit(&self, ended: &mut EndedRun, pieces: Vec<Piece>) {
        for piece in pieces {
            ended.first_token_ms.get_or_insert_with(|| millis(self.began));
            self.log.append(match piece {
                Piece::Text(text) => RunEvent::Delta(text),
                Piece::Citation(citation) => RunEvent::Citation(Box::new(citation)),
            });
        }
    }

    async fn store(
        &self,
        progress: &mut Progress,
        builder: &CitationBuilder,
        ending: &Ending,
        given: usize,
    ) -> Result<Answer, RunError> {
        let (outcome, reason) = outcome(ending, given, builder);
        let message_id = new_id();
        let created_at = clock::now();
        let ended = &mut progress.ended;
        ended.state = "completed";
        ended.answer_id = Some(message_id);
        ended.outcome = outcome.as_str();
        ended.outcome_reason = reason.map(str::to_owned);
        ended.unknown_markers = builder.unknown_markers();
        ended.total_ms = millis(self.began);

        let mut tx = self.chat.db.tenant(self.question.tenant).await?;
        if !tx.end_run(ended).await? {
            return Err(RunError::Gone);
        }
        let session_id = self.question.session_id;
        tx.insert_message(
            message_id,
            session_id,
            self.run_id,
            "assistant",
            builder.content(),
            created_at,
            &self.history.with(progress.hits[..given].iter().map(|hit| hit.passage.collection_id)),
        )
        .await?;
        tx.insert_citations(message_id, builder.citations()).await?;
        tx.insert_retrievals(self.run_id, &progress.hits, given).await?;
        tx.commit().await?;
        Ok(Answer {
            message_id,
            run_id: self.run_id,
            session_id,
            content: builder.content().to_owned(),
            citations: builder.citations().to_vec(),
            outcome,
            outcome_reason: reason.map(str::to_owned),
            usage: Usage {
                provider: progress.ended.provider.clone(),
                model: progress.ended.model.clone(),
                input_tokens: progress.ended.input_tokens,
                output_tokens: progress.ended.output_tokens,
                cost_micro_usd: None,
            },
            created_at,
        })
    }

    /// Stores that there is no answer, as far as the database lets us, and tells the readers.
    async fn fail(&self, progress: Progress, error: &RunError) {
        tracing::warn!(run.id = %self.run_id, error = format!("{:#}", anyhow::anyhow!("{error}")), "run failed");
        let ended = EndedRun {
            state: "failed",
            outcome: Outcome::Failed.as_str(),
            outcome_reason: Some(error.reason().to_owned()),
            answer_id: None,
            total_ms: millis(self.began),
            ..progress.ended
        };
        let stored = async {
            let mut tx = self.chat.db.tenant(self.question.tenant).await?;
            if tx.end_run(&ended).await? {
                tx.insert_retrievals(self.run_id, &progress.hits, 0).await?;
            }
            tx.commit().await
        };
        if let Err(error) = stored.await {
            tracing::error!(run.id = %self.run_id, error = &error as &dyn std::error::Error, "storing a failed run");
        }
        self.log.append(RunEvent::Failed { code: error.code(), detail: error.to_string() });
    }
}

fn outcome(
    ending: &Ending,
    given: usize,
    builder: &CitationBuilder,
) -> (Outcome, Option<&'static str>) {
    match ending {
        Ending::Finished(FinishReason::NoAnswer) if given == 0 => {
            (Outcome::NoAnswer, Some("no_candidates"))
        }
        Ending::Finished(FinishReason::NoAnswer) => (Outcome::NoAnswer, Some("model_abstained")),
        Ending::Finished(FinishReason::Length) => (Outcome::Partial, Some("length")),
        Ending::Finished(FinishReason::ContentFilter) => (Outcome::Blocked, Some("content_filter")),
        Ending::Finished(FinishReason::Stop) if builder.citations().is_empty() => {
            (Outcome::Partial, Some("no_citations"))
        }
        Ending::Finished(FinishReason::Stop) => (Outcome::Answered, None),
        Ending::Broken => (Outcome::Partial, Some("model_failed")),
    }
}

fn millis(since: Instant) -> i32 {
    i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX)
}

//! Stage 4: the model's stream becomes the events of the answer. All text of an answer goes through [`Writer::push`].

use std::sync::Arc;
use std::time::Instant;

use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;

use super::RunLog;
use super::error::RunError;
use super::event::RunEvent;
use super::generate::{Ending, Generation};
use super::live::Stop;
use super::model_call;
use super::progress::{Progress, millis};
use crate::adapters::models::{FinishReason, ModelError, ModelEvent, Prompt};
use crate::chat::citations::{Citation, CitationBuilder, Piece};
use crate::chat::output_filter::{FilterSettings, Filtered};
use crate::knowledge::Passage;

/// Said when a model finds nothing and says nothing.
const NOTHING_FOUND: &str = "The documentation searched does not answer this question.";

/// Text of the model that is told at once, in bytes, when more is there already.
const MERGED_BYTES: usize = 4_096;

/// The answer as it is being written.
pub(super) struct Writer {
    log: Arc<RunLog>,
    began: Instant,
    passages: Arc<[Arc<Passage>]>,
    filter: FilterSettings,
    builder: CitationBuilder,
    /// How much of the content was told, in bytes, and how many citations.
    told: (usize, usize),
    first_token_ms: Option<i32>,
}

impl Writer {
    /// An answer without a word yet, of a run that began then.
    pub fn new(log: Arc<RunLog>, began: Instant) -> Self {
        let filter = FilterSettings::default();
        let builder = CitationBuilder::new(Arc::default(), &filter);
        let told = (0, 0);
        Self { log, began, passages: Arc::default(), filter, builder, told, first_token_ms: None }
    }

    /// Markers `[1]`, `[2]` … stand for these passages from now on, and the text is filtered by these settings.
    pub fn cite_from(&mut self, passages: Arc<[Arc<Passage>]>, filter: &FilterSettings) {
        self.builder = CitationBuilder::new(Arc::clone(&passages), filter);
        self.filter = filter.clone();
        self.passages = passages;
    }

    /// Takes the next text of the model.
    pub fn push(&mut self, text: &str) {
        let pieces = self.builder.push(text);
        self.emit(pieces);
    }

    /// Takes the end of the model's text.
    pub fn finish(&mut self) {
        let pieces = self.builder.finish();
        self.emit(pieces);
    }

    /// Adds a word of ours to what the model has written, in a paragraph of its own.
    pub fn add(&mut self, text: &str) {
        self.finish();
        if !self.content().trim().is_empty() {
            self.push("\n\n");
        }
        self.push(text);
    }

    /// What was written is void: the answer begins anew.
    pub fn reset(&mut self, reason: String) {
        self.builder = CitationBuilder::new(Arc::clone(&self.passages), &self.filter);
        self.told = (0, 0);
        self.log.append(RunEvent::Reset { reason });
    }

    /// The answer so far: the texts of all deltas since the last reset, joined.
    pub fn content(&self) -> &str {
        // Also when the builder failed in between, this is what readers have.
        &self.builder.content()[..self.told.0]
    }

    /// Citations so far, by number.
    pub fn citations(&self) -> &[Citation] {
        &self.builder.citations()[..self.told.1]
    }

    /// Markers that stood for nothing and were removed.
    pub fn unknown_markers(&self) -> i32 {
        self.builder.unknown_markers()
    }

    /// What was taken out of the model's text or made harmless.
    pub fn filtered(&self) -> Filtered {
        self.builder.filtered()
    }

    /// When the first text came, in milliseconds of the run; absent while there is none.
    pub fn first_token_ms(&self) -> Option<i32> {
        self.first_token_ms
    }

    /// Completes the text. A model that finds nothing need not say so; any other must have said something.
    pub fn complete(&mut self, ending: Ending) -> Result<Ending, RunError> {
        if !matches!(ending, Ending::Crashed) {
            self.finish();
        }
        if !self.content().trim().is_empty() {
            return match ending {
                Ending::Stopped(Stop::Lost) => Err(RunError::Lost),
                _ => Ok(ending),
            };
        }
        Err(match ending {
            Ending::Finished(FinishReason::NoAnswer) => {
                self.push(NOTHING_FOUND);
                self.finish();
                return Ok(ending);
            }
            Ending::Finished(FinishReason::ContentFilter) | Ending::Refused(_) => {
                return Ok(ending);
            }
            Ending::Finished(FinishReason::Stop | FinishReason::Length) => ModelError::Empty.into(),
            Ending::Broken => ModelError::Cut.into(),
            Ending::Crashed => RunError::Crashed,
            Ending::Stopped(Stop::Cancelled) => RunError::Cancelled,
            Ending::Stopped(Stop::Interrupted) => RunError::Interrupted,
            Ending::Stopped(Stop::Lost) => RunError::Lost,
        })
    }

    fn emit(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            self.first_token_ms.get_or_insert_with(|| millis(self.began));
            self.log.append(match piece {
                Piece::Text(text) => {
                    self.told.0 += text.len();
                    RunEvent::Delta(text)
                }
                Piece::Citation(citation) => {
                    self.told.1 += 1;
                    RunEvent::Citation(Box::new(citation))
                }
            });
        }
    }
}

impl Generation {
    /// Reads the model's stream to its end. An error after the first text leaves a part of an answer.
    pub(super) async fn write(
        &self,
        prompt: Prompt,
        progress: &mut Progress,
    ) -> Result<Ending, RunError> {
        let span = model_call::span(&*self.model, &prompt);
        let written = self.read_stream(prompt, progress).instrument(span.clone()).await;
        model_call::end(&span, &progress.ended, &written);
        written
    }

    async fn read_stream(
        &self,
        prompt: Prompt,
        progress: &mut Progress,
    ) -> Result<Ending, RunError> {
        let mut stream = self.model.answer(prompt).await?;
        loop {
            // Texts that are there already are told as one: a reader who is late is not given them letter by letter.
            let next = match stream.next().now_or_never() {
                Some(Some(Ok(ModelEvent::Delta(text))))
                    if progress.waiting.len() < MERGED_BYTES =>
                {
                    progress.waiting.push_str(&text);
                    continue;
                }
                Some(next) => next,
                // Nobody waits for a first text longer than it takes.
                None if progress.tell_waiting() && !progress.writer.content().is_empty() => {
                    match self.gather(&mut stream, &mut progress.waiting).await {
                        Some(next) => next,
                        None => continue,
                    }
                }
                None => stream.next().await,
            };
            progress.tell_waiting();
            let is_begun = !progress.writer.content().is_empty();
            match next {
                Some(Ok(ModelEvent::Delta(text))) => progress.waiting = text,
                Some(Ok(ModelEvent::Usage(usage))) => progress.ended.set_usage(usage),
                Some(Ok(ModelEvent::Attempted(attempt))) => progress.ended.add_attempt(*attempt),
                Some(Ok(ModelEvent::Guardrail(_))) => {}
                Some(Ok(ModelEvent::Reset { reason })) => progress.writer.reset(reason),
                Some(Ok(ModelEvent::ProviderSwitched { provider, model, mode })) => {
                    progress.ended.provider.clone_from(&provider);
                    progress.ended.model.clone_from(&model);
                    self.run.log.append(RunEvent::ProviderSwitched { provider, model, mode });
                }
                Some(Ok(ModelEvent::Finished(reason))) => return Ok(Ending::Finished(reason)),
                Some(Err(error)) if is_begun => return Ok(self.broken(&error)),
                Some(Err(error)) => return Err(error.into()),
                None if is_begun => return Ok(self.broken(&ModelError::Cut)),
                None => return Err(ModelError::Empty.into()),
            }
        }
    }

    fn broken(&self, error: &ModelError) -> Ending {
        tracing::warn!(run.id = %self.run_id, %error, "the model stopped inside its answer");
        Ending::Broken
    }
}

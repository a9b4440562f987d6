//! What is known of a run while it goes on: each stage adds to it, and the end stores it, whichever end it is.

use std::sync::Arc;
use std::time::Instant;

use super::generate::{Ending, Generation};
use super::write::Writer;
use crate::chat::output_filter::FilterSettings;
use crate::chat::prompt::Built;
use crate::chat::store::runs::EndedRun;
use crate::chat::trace::{Fate, RunTrace};
use crate::knowledge::{Hit, SearchedAhead};

pub(super) struct Progress {
    /// The row of the run, as it will be stored.
    pub ended: EndedRun,
    /// How it came about, beside that row.
    pub trace: RunTrace,
    /// The search for the question as it was asked, when it is under way.
    pub searched: Option<SearchedAhead>,
    /// What search found, best first.
    pub hits: Vec<Hit>,
    /// How many of the hits, from the first, the model is given.
    pub given: usize,
    /// The answer so far.
    pub writer: Writer,
    /// Text of the model that is told with what comes behind it.
    pub waiting: String,
    /// Number of the last event that is stored.
    pub saved: usize,
}

impl Progress {
    /// A run that begins, with the model that is to answer.
    pub fn new(generation: &Generation, provider: &str, model: &str) -> Self {
        let ended = EndedRun {
            run_id: generation.run_id,
            instance_id: generation.chat.instance_id,
            provider: provider.to_owned(),
            model: model.to_owned(),
            ..EndedRun::default()
        };
        let writer = Writer::new(Arc::clone(&generation.run.log), generation.began);
        let trace = RunTrace::default();
        Self {
            ended,
            trace,
            searched: None,
            hits: Vec::new(),
            given: 0,
            writer,
            waiting: String::new(),
            saved: 1,
        }
    }

    /// Notes what the model is told: its passages are those that the answer can cite.
    pub fn give(&mut self, built: &Built, filter: &FilterSettings) {
        self.given = built.passages;
        self.ended.prompt_sha256 = Some(built.sha256.to_vec());
        self.ended.prompt_left_out = built.left_out_facts();
        self.trace.note_prompt(&built.prompt);
        let passages = self.passages().iter().map(|hit| Arc::clone(&hit.passage)).collect();
        self.writer.cite_from(passages, filter);
    }

    /// Tells the text that waits; whether there was any.
    pub fn tell_waiting(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.writer.push(&waiting);
        }
        !waiting.is_empty()
    }

    /// What became of the hits, of which `wanted` were to be given to a model.
    pub fn fate(&self, ending: Option<&Ending>, wanted: u32) -> Fate {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        match ending {
            Some(Ending::Refused(_)) => Fate::Refused,
            _ if self.trace.prompt_chars.is_some() => Fate::Given { used: self.given, wanted },
            _ => Fate::Failed,
        }
    }

    /// What the model is given.
    pub fn passages(&self) -> &[Hit] {
        &self.hits[..self.given]
    }
}

/// Milliseconds since then.
pub(super) fn millis(since: Instant) -> i32 {
    i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX)
}

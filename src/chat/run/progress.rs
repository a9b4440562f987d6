//! What is known of a run while it goes on: each stage adds to it, and the end stores it, whichever end it is.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::RunLog;
use super::write::Writer;
use crate::chat::output_filter::FilterSettings;
use crate::chat::prompt::Built;
use crate::chat::store::runs::EndedRun;
use crate::knowledge::Hit;

pub(super) struct Progress {
    /// The row of the run, as it will be stored.
    pub ended: EndedRun,
    /// What search found, best first.
    pub hits: Vec<Hit>,
    /// How many of the hits, from the first, the model is given.
    pub given: usize,
    /// The answer so far.
    pub writer: Writer,
}

impl Progress {
    /// A run that begins, with the model that is to answer.
    pub fn new(
        run_id: Uuid,
        provider: &str,
        model: &str,
        log: Arc<RunLog>,
        began: Instant,
    ) -> Self {
        let ended = EndedRun {
            run_id,
            provider: provider.to_owned(),
            model: model.to_owned(),
            ..EndedRun::default()
        };
        Self { ended, hits: Vec::new(), given: 0, writer: Writer::new(log, began) }
    }

    /// Notes what the model is told: its passages are those that the answer can cite.
    pub fn give(&mut self, built: &Built, filter: &FilterSettings) {
        self.given = built.passages;
        self.ended.prompt_sha256 = Some(built.sha256.to_vec());
        self.ended.prompt_left_out = built.left_out_facts();
        let passages = self.passages().iter().map(|hit| hit.passage.clone()).collect();
        self.writer.cite_from(passages, filter);
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

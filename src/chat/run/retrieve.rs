//! Stage 2: what the documentation has on it.

use std::time::Instant;

use uuid::Uuid;

use super::error::RunError;
use super::generate::Generation;
use super::progress::{Progress, millis};
use crate::knowledge::{Scope, SearchQuery};

/// Candidates that are recorded for each passage given to the model.
const RECORDED_PER_PASSAGE: usize = 2;

impl Generation {
    /// Searches, and chooses what the model is given.
    pub(super) async fn retrieve(
        &self,
        standalone: &str,
        progress: &mut Progress,
    ) -> Result<(), RunError> {
        let searching = Instant::now();
        // Of the assistant's collections the reader reaches none: an empty list would be all.
        let Some(collection_ids) = self.scope.clone() else { return Ok(()) };
        let most = usize::try_from(self.answering.configuration.passages).unwrap_or(usize::MAX);
        let query = SearchQuery {
            scope: Scope {
                tenant: self.question.tenant,
                reader: self.question.reader.clone(),
                collection_ids,
                metadata: None,
            },
            text: standalone.to_owned(),
            limit: most.saturating_mul(RECORDED_PER_PASSAGE),
        };
        let searched = self.chat.search.find_embedded(&query, progress.embedded.take());
        let found = searched.await.map_err(RunError::Search)?;
        progress.trace.note_search(&found);
        progress.hits = found.hits;
        progress.ended.search_ms = Some(millis(searching));
        progress.given = progress.hits.len().min(most);
        Ok(())
    }

    /// Collections that the answer is made of.
    pub(super) fn read_collections(&self, progress: &Progress) -> Vec<Uuid> {
        let given = progress.passages().iter();
        self.history.with(given.map(|hit| hit.passage.collection_id))
    }
}

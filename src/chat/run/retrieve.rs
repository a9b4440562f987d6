//! Stage 2: what the documentation has on it.

use std::time::Instant;

use uuid::Uuid;

use super::error::RunError;
use super::generate::Generation;
use super::progress::{Progress, millis};
use crate::kernel::ids::holds_attachments;
use crate::knowledge::{Reader, Scope, SearchQuery};

/// Candidates that are recorded for each passage given to the model.
const RECORDED_PER_PASSAGE: usize = 2;

impl Generation {
    /// Searches, in the attachments of the session alone or in all that is searched with them, and chooses what the model is given.
    pub(super) async fn retrieve(
        &self,
        standalone: &str,
        in_attachments: bool,
        progress: &mut Progress,
    ) -> Result<(), RunError> {
        let searching = Instant::now();
        let Some((reader, collection_ids)) = self.searched(in_attachments) else { return Ok(()) };
        let most = usize::try_from(self.answering.configuration.passages).unwrap_or(usize::MAX);
        let query = SearchQuery {
            scope: Scope {
                tenant: self.question.tenant,
                reader,
                collection_ids,
                metadata: None,
                session_id: self.question.session_id,
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

    /// Who searches which documentation, all that they reach when the list is empty; nothing when absent. What is attached to
    /// the session is searched whatever the assistant's collections are: the asker has chosen it.
    fn searched(&self, in_attachments: bool) -> Option<(Reader, Vec<Uuid>)> {
        match (&self.scope, self.question.session_id) {
            (_, Some(session_id)) if in_attachments => {
                Some((Reader::Attachments(session_id), Vec::new()))
            }
            (Some(ids), _) => Some((self.question.reader.clone(), ids.clone())),
            // Of the assistant's collections the reader reaches none: an empty list would be all.
            (None, Some(session_id)) => Some((Reader::Attachments(session_id), Vec::new())),
            (None, None) => None,
        }
    }

    /// Collections that the answer is made of, and that whoever reads it must reach. What is attached to the session is none of
    /// them: who may read the session may read it.
    pub(super) fn read_collections(&self, progress: &Progress) -> Vec<Uuid> {
        let given = progress.passages().iter().map(|hit| hit.passage.collection_id);
        self.history.with(given.filter(|id| !holds_attachments(*id)))
    }
}

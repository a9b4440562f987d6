//! Stage 2: what the documentation has on it.

use std::time::Instant;

use uuid::Uuid;

use super::error::RunError;
use super::generate::Generation;
use super::progress::{Progress, millis};
use crate::chat::assistants::EffectiveConfiguration;
use crate::kernel::ids::holds_attachments;
use crate::knowledge::{Reader, Scope, SearchQuery};

/// Candidates that are recorded for each passage given to the model.
const RECORDED_PER_PASSAGE: usize = 2;

/// Passages that the model is given at most.
fn passages(configuration: &EffectiveConfiguration) -> usize {
    usize::try_from(configuration.passages).unwrap_or(usize::MAX)
}

/// Passages that are searched for: more than the model is given, so that its trace can tell what was left out.
pub(super) fn candidates(configuration: &EffectiveConfiguration) -> usize {
    passages(configuration).saturating_mul(RECORDED_PER_PASSAGE)
}

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
        let query = SearchQuery {
            scope: Scope {
                tenant: self.question.tenant,
                reader,
                collection_ids,
                metadata: None,
                session_id: self.question.session_id,
            },
            text: standalone.to_owned(),
            limit: candidates(&self.answering.configuration),
        };
        // That of the attachments alone is another search.
        let ahead = progress.searched.take().filter(|_| !in_attachments);
        let found = self.chat.search.find_ahead(&query, ahead).await.map_err(RunError::Search)?;
        progress.trace.note_search(&found);
        progress.hits = found.hits;
        progress.ended.search_ms = Some(millis(searching));
        progress.given = progress.hits.len().min(passages(&self.answering.configuration));
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

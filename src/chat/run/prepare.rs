//! Stage 1: the question as it can be searched alone.

use std::time::Instant;

use super::generate::Generation;
use super::progress::Progress;

impl Generation {
    /// The question with what the conversation adds; as it stands when the model can not tell.
    pub(super) async fn prepare(&self, progress: &mut Progress) -> String {
        let preparing = Instant::now();
        let standalone = self
            .model
            .standalone_question(&self.history.turns, &self.question.content)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(run.id = %self.run_id, %error, "the question is searched as it stands");
                self.question.content.clone()
            });
        progress.trace.note_preparation(preparing.elapsed());
        progress.ended.standalone_question = Some(standalone.clone());
        standalone
    }
}

//! The other end of a run: that there is no answer is stored, as far as the database lets us, and told.

use super::error::RunError;
use super::generate::Generation;
use super::progress::{Progress, millis};
use super::{Outcome, RunEvent};
use crate::chat::store::runs::EndedRun;
use crate::chat::trace::Fate;

impl Generation {
    /// Stores that there is no answer, and tells the readers.
    pub(super) async fn fail(&self, progress: Progress, error: &RunError) {
        tracing::warn!(run.id = %self.run_id, error = format!("{:#}", anyhow::anyhow!("{error}")), "run failed");
        let ended = EndedRun {
            state: "failed",
            outcome: Outcome::Failed.as_str(),
            outcome_reason: Some(error.reason().to_owned()),
            answer_id: None,
            first_token_ms: progress.writer.first_token_ms(),
            total_ms: millis(self.began),
            ..progress.ended
        };
        let was_asked = progress.trace.prompt_chars.is_some();
        let wanted = self.chat.settings.passages;
        let fate = was_asked.then_some(Fate { used: progress.given, wanted });
        let stored = async {
            let mut tx = self.chat.db.tenant(self.question.tenant).await?;
            let cost = tx.end_run(&ended).await?;
            if cost.is_some() {
                tx.insert_retrievals(self.run_id, &progress.hits, fate).await?;
                tx.insert_run_trace(self.run_id, &progress.trace).await?;
            }
            // Also of a run that was deleted meanwhile: what was used stays used.
            tx.settle_quota(self.run_id, &ended.observed(cost)).await?;
            tx.commit().await
        };
        if let Err(error) = stored.await {
            tracing::error!(run.id = %self.run_id, error = &error as &dyn std::error::Error, "storing a failed run");
        }
        self.log.append(RunEvent::Failed {
            code: error.code(),
            detail: error.to_string(),
            is_retryable: error.is_retryable(),
        });
    }
}

//! The other end of a run: that there is no answer is stored, with what was shown.

use super::Outcome;
use super::end::{NotStored, failure};
use super::error::RunError;
use super::event::RunEvent;
use super::generate::Generation;
use super::progress::{Progress, millis};
use super::record::batch;
use crate::chat::store::runs::EndedRun;

impl Generation {
    /// Stores that there is no answer; the last event, which tells it.
    pub(super) async fn store_failure(
        &self,
        progress: &Progress,
        error: &RunError,
    ) -> Result<RunEvent, NotStored> {
        if matches!(error, RunError::Lost) {
            return Err(NotStored::Because(RunError::Lost));
        }
        tracing::warn!(run.id = %self.run_id, error = format!("{:#}", anyhow::anyhow!("{error}")), "run failed");
        let event = failure(error);
        let (saved, last) = (progress.saved, self.run.log.last());
        let mut events = self.run.log.events(saved + 1, last);
        events.push(event.clone());
        let rest = batch(saved + 1, events)?;
        let ended = EndedRun {
            saved: rest.first_number - 1,
            event_count: rest.last_number,
            rest: Some(rest),
            state: error.state(),
            outcome: Outcome::Failed.as_str(),
            outcome_reason: Some(error.reason().to_owned()),
            answer_id: None,
            first_token_ms: progress.writer.first_token_ms(),
            total_ms: millis(self.began),
            ..progress.ended.clone()
        };
        let fate = progress.fate(None, self.answering.configuration.passages);
        let mut tx = self.chat.db.tenant(self.question.tenant).await?;
        let Some(cost) = tx.end_run(&ended).await? else {
            drop(tx);
            return Err(self.why_not(None).await);
        };
        tx.insert_retrievals(self.run_id, &progress.hits, fate).await?;
        tx.insert_run_trace(self.run_id, &progress.trace).await?;
        tx.settle_quota(self.run_id, &ended.observed(Some(cost))).await?;
        tx.commit().await?;
        ended.count(cost.micro_usd);
        Ok(event)
    }
}

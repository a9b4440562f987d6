//! Stage 5: the answer is stored, with its citations and with what search found; then it is told.

use super::error::RunError;
use super::generate::{Ending, Generation};
use super::progress::{Progress, millis};
use super::{Answer, Outcome, Usage};
use crate::adapters::models::FinishReason;
use crate::kernel::clock;
use crate::kernel::ids::new_id;

impl Generation {
    /// Stores the answer and the end of the run in one transaction.
    pub(super) async fn store_answer(
        &self,
        progress: &mut Progress,
        ending: &Ending,
    ) -> Result<Answer, RunError> {
        let (outcome, reason) = outcome(ending, progress);
        let message_id = new_id();
        let created_at = clock::now();
        let (given, writer) = (progress.given, &progress.writer);
        let ended = &mut progress.ended;
        ended.state = "completed";
        ended.answer_id = Some(message_id);
        ended.outcome = outcome.as_str();
        ended.outcome_reason = reason.map(str::to_owned);
        ended.unknown_markers = writer.unknown_markers();
        ended.first_token_ms = writer.first_token_ms();
        ended.total_ms = millis(self.began);

        let session_id = self.question.session_id;
        let mut tx = self.chat.db.tenant(self.question.tenant).await?;
        // The session before the run, as who deletes a session locks them.
        let revision = match session_id {
            Some(id) => Some(tx.count_message_in(id, None).await?.ok_or(RunError::Gone)?),
            None => None,
        };
        let cost = tx.end_run(ended).await?.ok_or(RunError::Gone)?;
        let read = progress.hits[..given].iter().map(|hit| hit.passage.collection_id);
        let read_collection_ids = self.history.with(read);
        tx.insert_message(
            message_id,
            session_id,
            self.run_id,
            "assistant",
            writer.content(),
            created_at,
            &read_collection_ids,
        )
        .await?;
        tx.insert_citations(message_id, writer.citations()).await?;
        tx.note_filtered(self.run_id, writer.filtered()).await?;
        tx.insert_retrievals(self.run_id, &progress.hits, given).await?;
        tx.settle_quota(self.run_id, &ended.observed()).await?;
        tx.commit().await?;
        if let Some((session_id, revision)) = session_id.zip(revision) {
            self.keep_near(session_id, revision, writer.content(), read_collection_ids);
        }
        Ok(Answer {
            message_id,
            run_id: self.run_id,
            session_id,
            content: writer.content().to_owned(),
            citations: writer.citations().to_vec(),
            outcome,
            outcome_reason: reason.map(str::to_owned),
            usage: Usage {
                provider: ended.provider.clone(),
                model: ended.model.clone(),
                input_tokens: ended.input_tokens,
                output_tokens: ended.output_tokens,
                cached_input_tokens: ended.cached_input_tokens,
                is_estimated: ended.usage_estimated,
                cost_micro_usd: cost.micro_usd,
            },
            created_at,
        })
    }
}

fn outcome(ending: &Ending, progress: &Progress) -> (Outcome, Option<&'static str>) {
    match ending {
        Ending::Finished(FinishReason::NoAnswer) if progress.given == 0 => {
            (Outcome::NoAnswer, Some("no_candidates"))
        }
        Ending::Finished(FinishReason::NoAnswer) => (Outcome::NoAnswer, Some("model_abstained")),
        Ending::Finished(FinishReason::Length) => (Outcome::Partial, Some("length")),
        Ending::Finished(FinishReason::ContentFilter) => (Outcome::Blocked, Some("content_filter")),
        Ending::Finished(FinishReason::Stop) if progress.writer.citations().is_empty() => {
            (Outcome::Partial, Some("no_citations"))
        }
        Ending::Finished(FinishReason::Stop) => (Outcome::Answered, None),
        Ending::Broken => (Outcome::Partial, Some("model_failed")),
    }
}

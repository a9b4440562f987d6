//! Stage 5: the answer is stored, with its citations, with what search found, and with the events that are not stored yet.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::end::NotStored;
use super::event::RunEvent;
use super::generate::{Ending, Generation};
use super::live::Stop;
use super::progress::{Progress, millis};
use super::record::batch;
use super::{Answer, Outcome, Usage};
use crate::adapters::models::FinishReason;
use crate::chat::refusal::ATTACHMENTS_UNREAD;

impl Generation {
    /// Stores the answer and the end of the run in one transaction; the last event, which tells it.
    pub(super) async fn store_answer(
        &self,
        progress: &mut Progress,
        ending: &Ending,
        message_id: Uuid,
        created_at: DateTime<Utc>,
    ) -> Result<RunEvent, NotStored> {
        let (outcome, reason) = outcome(ending, progress);
        let read = self.read_collections(progress);
        let fate = progress.fate(Some(ending), self.answering.configuration.passages);
        let (saved, last) = (progress.saved, self.run.log.last());
        let rest = batch(saved + 1, self.run.log.events(saved + 1, last))?;
        let writer = &progress.writer;
        let ended = &mut progress.ended;
        ended.saved = rest.first_number - 1;
        ended.event_count = i32::try_from(last + 1).unwrap_or(i32::MAX);
        ended.rest = (last > saved).then_some(rest);
        ended.state = state(ending);
        ended.answer_id = Some(message_id);
        ended.outcome = outcome.as_str();
        ended.outcome_reason = reason.map(str::to_owned);
        ended.unknown_markers = writer.unknown_markers();
        ended.first_token_ms = writer.first_token_ms();
        ended.total_ms = millis(self.began);

        let session_id = self.question.session_id;
        let mut tx = self.chat.db.tenant(self.question.tenant).await?;
        // The session before the lease, as who asks in it or deletes it locks them.
        let revision = match session_id {
            Some(id) => tx.count_message_in(id, None).await?,
            None => None,
        };
        if session_id.is_some() != revision.is_some() {
            drop(tx);
            return Err(self.why_not(Some(message_id)).await);
        }
        let Some(cost) = tx.end_run(ended).await? else {
            drop(tx);
            return Err(self.why_not(Some(message_id)).await);
        };
        let session_id = self.question.session_id;
        tx.insert_message(
            message_id,
            session_id,
            self.run_id,
            "assistant",
            writer.content(),
            created_at,
            &read,
        )
        .await?;
        tx.insert_citations(message_id, writer.citations()).await?;
        tx.note_filtered(self.run_id, writer.filtered()).await?;
        tx.insert_retrievals(self.run_id, &progress.hits, fate).await?;
        tx.insert_run_trace(self.run_id, &progress.trace).await?;
        tx.settle_quota(self.run_id, &ended.observed(Some(cost))).await?;
        tx.commit().await?;
        ended.count(cost.micro_usd);
        if let Some((session_id, revision)) = session_id.zip(revision) {
            self.keep_near(session_id, revision, (message_id, writer.content()), read);
        }
        Ok(RunEvent::Done(Box::new(Answer {
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
        })))
    }
}

fn state(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(_) | Ending::Broken | Ending::Crashed | Ending::Refused(_) => "completed",
        Ending::Stopped(Stop::Cancelled) => "cancelled",
        Ending::Stopped(Stop::Interrupted | Stop::Lost) => "interrupted",
    }
}

fn outcome(ending: &Ending, progress: &Progress) -> (Outcome, Option<&'static str>) {
    match ending {
        Ending::Refused(refusal) => {
            let (outcome, reason) = refusal.outcome();
            (outcome, Some(reason))
        }
        Ending::Finished(FinishReason::NoAnswer) => {
            let waits = progress.trace.waits_for_attachments();
            let reason = if waits { ATTACHMENTS_UNREAD } else { "model_abstained" };
            (Outcome::NoAnswer, Some(reason))
        }
        Ending::Finished(FinishReason::Length) => (Outcome::Partial, Some("length")),
        Ending::Finished(FinishReason::ContentFilter) => (Outcome::Blocked, Some("content_filter")),
        Ending::Finished(FinishReason::Stop) if progress.writer.citations().is_empty() => {
            (Outcome::Partial, Some("no_citations"))
        }
        Ending::Finished(FinishReason::Stop) => (Outcome::Answered, None),
        Ending::Broken => (Outcome::Partial, Some("model_failed")),
        Ending::Crashed => (Outcome::Partial, Some("crashed")),
        Ending::Stopped(Stop::Cancelled) => (Outcome::Partial, Some("cancelled")),
        Ending::Stopped(Stop::Interrupted | Stop::Lost) => (Outcome::Partial, Some("interrupted")),
    }
}

//! Ends the runs of instances that are gone: what they had stored is kept as a part of an answer. Any number of instances
//! look at once; the lock on the lease lets one of them do it, and an instance that comes back too late finds no lease.

use std::time::Duration;

use futures_util::future::join_all;

use super::end::failure;
use super::error::RunError;
use super::event::{NumberedEvent, RunEvent};
use super::read::decode;
use super::record::batch;
use super::relay::heard_after;
use super::{Chat, Outcome};
use crate::adapters::streams::StreamKey;
use crate::chat::citations::Citation;
use crate::chat::store::run_leases::{Lease, Orphan};
use crate::chat::store::runs::{EndedRun, Run};
use crate::db::{self, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Orphans that are ended in one turn.
const AT_ONCE: i64 = 100;

/// Orphans that are ended at the same time.
const SIDE_BY_SIDE: usize = 8;
/// Wait for what readers elsewhere were told.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the stored events of a run amount to.
#[derive(Debug, Default)]
struct Kept {
    content: String,
    citations: Vec<Citation>,
    provider: Option<String>,
    model: Option<String>,
}

impl Chat {
    /// Ends all runs whose lease has run out; how many there were.
    ///
    /// # Errors
    /// The database failed; what is left is found again the next time.
    pub async fn end_orphans(&self) -> db::Result<usize> {
        let orphans = self.db.system().await?.list_orphans(AT_ONCE).await?;
        let mut count = 0;
        for some in orphans.chunks(SIDE_BY_SIDE) {
            let ended = join_all(some.iter().map(|orphan| self.try_end_orphan(*orphan))).await;
            count += ended.into_iter().filter(|ended| *ended).count();
        }
        Ok(count)
    }

    /// The same for one that can not be ended now: it holds up no other.
    async fn try_end_orphan(&self, orphan: Orphan) -> bool {
        self.end_orphan(orphan).await.unwrap_or_else(|error| {
            tracing::warn!(run.id = %orphan.run_id, error = &error as &dyn std::error::Error, "ending an orphaned run");
            false
        })
    }

    /// Ends a run whose lease has run out; false when it has not, or not any more.
    pub(super) async fn end_orphan(&self, orphan: Orphan) -> db::Result<bool> {
        let told = self.told_of(&orphan).await;
        let mut tx = self.db.tenant(orphan.tenant).await?;
        // The session before the lease, as who asks in it or deletes it locks them. A message may be added to it.
        let session_id = tx.find_run(orphan.run_id).await?.and_then(|run| run.session_id);
        if let Some(session_id) = session_id {
            tx.count_message_in(session_id, None).await?;
        }
        let Some(lease) = tx.lock_run_lease(orphan.run_id).await? else { return Ok(false) };
        if !lease.is_expired {
            return Ok(false);
        }
        let Some(run) = tx.find_run(orphan.run_id).await? else {
            tx.delete_run_lease(orphan.run_id).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let rows = tx.list_run_events(run.run_id, 0, i64::MAX).await?;
        let mut events = decode(rows, 0)?;
        // Text of which it is not known what it was made of is nobody's to read.
        let is_known = lease.read_collection_ids.is_some();
        let told = if is_known && lease.event_count == orphan.event_count { told } else { vec![] };
        events.extend(told.iter().cloned());
        let kept = Kept::of(events);
        let ended = end_of(&run, &lease, &kept, told)?;
        let Some(cost) = tx.end_run(&ended).await? else { return Ok(false) };
        store_kept(&mut tx, &ended, &run, &lease, &kept).await?;
        tx.settle_quota(run.run_id, &ended.observed(Some(cost))).await?;
        tx.commit().await?;
        ended.count(cost.micro_usd);
        tracing::warn!(run.id = %orphan.run_id, "the instance of a run is gone; its text is kept");
        Ok(true)
    }

    /// What readers elsewhere were told past the events that are stored.
    async fn told_of(&self, orphan: &Orphan) -> Vec<NumberedEvent> {
        let Some(streams) = &self.streams else { return Vec::new() };
        let Ok(after) = usize::try_from(orphan.event_count) else { return Vec::new() };
        let tail = streams.follow(&StreamKey::run(orphan.tenant, orphan.run_id)).await;
        let entries = tail.after(u64::try_from(after).unwrap_or_default(), PATIENCE).await;
        heard_after(&entries.unwrap_or_default(), after)
    }
}

impl Kept {
    fn of(events: Vec<NumberedEvent>) -> Self {
        let mut kept = Self::default();
        for NumberedEvent { event, .. } in events {
            match event {
                RunEvent::Delta(text) => kept.content.push_str(&text),
                RunEvent::Citation(citation) => kept.citations.push(*citation),
                RunEvent::Reset { .. } => {
                    kept.content.clear();
                    kept.citations.clear();
                }
                RunEvent::ProviderSwitched { provider, model, .. } => {
                    kept.provider = Some(provider);
                    kept.model = Some(model);
                }
                RunEvent::Started { .. } | RunEvent::Done(_) | RunEvent::Failed { .. } => {}
            }
        }
        kept
    }

    fn has_text(&self) -> bool {
        !self.content.trim().is_empty()
    }
}

fn end_of(run: &Run, lease: &Lease, kept: &Kept, told: Vec<NumberedEvent>) -> db::Result<EndedRun> {
    // What somebody wanted stopped is stopped.
    let state = if lease.is_cancel_requested { "cancelled" } else { "interrupted" };
    let count = usize::try_from(lease.event_count).unwrap_or_default();
    let mut events: Vec<RunEvent> = told.into_iter().map(|event| event.event).collect();
    let event_count = count + events.len() + 1;
    if !kept.has_text() {
        let is_wanted = lease.is_cancel_requested;
        let error = if is_wanted { RunError::Cancelled } else { RunError::Interrupted };
        events.push(failure(&error));
    }
    let rest = if events.is_empty() { None } else { Some(batch(count + 1, events)?) };
    let outcome = if kept.has_text() { Outcome::Partial } else { Outcome::Failed };
    let total = clock::now().signed_duration_since(run.created_at).num_milliseconds();
    Ok(EndedRun {
        run_id: run.run_id,
        instance_id: lease.instance_id,
        saved: lease.event_count,
        rest,
        event_count: i32::try_from(event_count).unwrap_or(i32::MAX),
        state,
        answer_id: kept.has_text().then(new_id),
        outcome: outcome.as_str(),
        outcome_reason: Some(state.to_owned()),
        provider: kept.provider.clone().or_else(|| run.provider.clone()).unwrap_or_default(),
        model: kept.model.clone().or_else(|| run.model.clone()).unwrap_or_default(),
        total_ms: i32::try_from(total).unwrap_or(i32::MAX),
        ..EndedRun::default()
    })
}

async fn store_kept(
    tx: &mut TenantTx,
    ended: &EndedRun,
    run: &Run,
    lease: &Lease,
    kept: &Kept,
) -> db::Result<()> {
    let Some(message_id) = ended.answer_id else { return Ok(()) };
    let read = lease.read_collection_ids.as_deref().unwrap_or_default();
    tx.insert_message(
        message_id,
        run.session_id,
        run.run_id,
        "assistant",
        &kept.content,
        clock::now(),
        read,
    )
    .await?;
    tx.insert_citations(message_id, &kept.citations).await
}

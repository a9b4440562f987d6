//! Readers of a run: from this instance's memory while the run goes on here, else from what is stored. Where a reader has
//! been shown what is not kept (the instance died before it was stored), it is told so with a `reset`, and given the whole
//! text that is.

use std::time::{Duration, Instant};

use futures_util::Stream;
use uuid::Uuid;

use super::event::{NumberedEvent, RunEvent, numbered};
use super::live::LiveRun;
use super::relay::heard_after;
use super::{Answer, Chat, Outcome, Usage};
use crate::adapters::streams::{StreamError, StreamKey, Tail};
use crate::chat::store::run_events::EventBatch;
use crate::chat::store::runs::Run;
use crate::db::{self, TenantTx};
use crate::kernel::ids::TenantId;
use crate::knowledge::Reach;
use crate::web::problem::ProblemCode;

/// How often the database is looked into while nothing is told: the run may have been ended by others.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Rows of events that are read at once.
const ROWS_AT_ONCE: i64 = 16;

/// A run that goes on, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRef {
    /// Tenant.
    pub tenant: TenantId,
    /// Id.
    pub run_id: Uuid,
}

/// Who reads on from where.
struct Follower {
    chat: Chat,
    run: RunRef,
    /// Number of the last event that was read.
    position: usize,
    /// What may be read; anything when absent: whoever asked is answered within the reach that the question was asked with.
    reach: Option<Reach>,
    /// The run, while it goes on here.
    live: Option<LiveRun>,
    /// What its instance tells, while it goes on elsewhere.
    tail: Option<Tail>,
    /// Whether it may be listened to: it is known what the answer is made of, and nothing was missed yet.
    may_listen: bool,
}

/// What is stored past a place.
enum Stored {
    /// These.
    Events(Vec<NumberedEvent>),
    /// Nothing yet.
    Nothing {
        /// Whether it is known that the answer may be read.
        is_readable: bool,
    },
    /// Nothing any more.
    End,
}

impl Chat {
    /// Events after number `after`, as they come, through the last one of the run. It ends without a last event when this
    /// instance ends or the database stays away: then the reader comes again, here or elsewhere.
    pub fn follow(
        &self,
        run: RunRef,
        after: usize,
        reach: Option<Reach>,
    ) -> impl Stream<Item = NumberedEvent> + Send + 'static {
        let live = self.live.get(run.tenant, run.run_id);
        let mut follower = Follower {
            chat: self.clone(),
            run,
            position: after,
            reach,
            live,
            tail: None,
            may_listen: self.streams.is_some(),
        };
        async_stream::stream! {
            while let Some(events) = follower.next().await {
                for event in events {
                    let is_last = event.event.is_last();
                    yield event;
                    if is_last {
                        return;
                    }
                }
            }
        }
    }
}

impl Follower {
    /// The next events; at least one, `None` at the end. Whatever is not needed while the run goes on here has room of its own
    /// for as long as it takes: thousands of readers wait in this.
    async fn next(&mut self) -> Option<Vec<NumberedEvent>> {
        if let Some(live) = &self.live {
            if let Some(events) = self.live(live).await {
                return Some(self.advance(events));
            }
            self.live = None;
        }
        let mut patience = Instant::now();
        loop {
            if let Some(tail) = self.tail.take()
                && let Some(events) = Box::pin(self.listen(tail)).await
            {
                return Some(self.advance(events));
            }
            match Box::pin(self.stored()).await {
                Ok(Stored::Events(events)) => return Some(self.advance(events)),
                Ok(Stored::End) => return None,
                Ok(Stored::Nothing { is_readable }) => {
                    patience = Instant::now();
                    if is_readable && self.may_listen && self.tail.is_none() {
                        self.tail = Box::pin(self.tail()).await;
                        continue;
                    }
                }
                Err(error) if patience.elapsed() < self.chat.settings.runs.lease => {
                    tracing::warn!(run.id = %self.run.run_id, error = &error as &dyn std::error::Error, "reading a run; it is tried again");
                }
                Err(_) => return None,
            }
            let pause = if self.tail.is_some() {
                Duration::ZERO
            } else {
                self.chat.settings.runs.read_poll
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.chat.leaving.cancelled() => return None,
            }
        }
    }

    async fn tail(&self) -> Option<Tail> {
        let streams = self.chat.streams.as_ref()?;
        Some(streams.follow(&StreamKey::run(self.run.tenant, self.run.run_id)).await)
    }

    /// What the run's instance tells next; `None` when it is time to look into the database.
    async fn listen(&mut self, tail: Tail) -> Option<Vec<NumberedEvent>> {
        let after = u64::try_from(self.position).ok()?;
        let heard = tokio::select! {
            heard = tail.after(after, LOOK_EVERY) => heard,
            () = self.chat.leaving.cancelled() => Err(StreamError::Lost),
        };
        let Ok(entries) = heard else {
            // It is lost, or its end is stored: from here on the database is asked.
            self.may_listen = false;
            return None;
        };
        let events = heard_after(&entries, self.position);
        // Nothing of what came can be used: it is the end, or it is none of ours.
        self.may_listen = entries.is_empty() || !events.is_empty();
        self.tail = self.may_listen.then_some(tail);
        (!events.is_empty()).then_some(events)
    }

    fn advance(&mut self, events: Vec<NumberedEvent>) -> Vec<NumberedEvent> {
        self.position = events.last().map_or(self.position, |event| event.number);
        events
    }

    /// From this instance's memory; `None` when the run was taken from it.
    async fn live(&self, live: &LiveRun) -> Option<Vec<NumberedEvent>> {
        let events = live.log.next(self.position).await?;
        // There is no text before it is known what it is made of.
        let read = live.log.read_collections().unwrap_or_default();
        Some(if self.may_read(&read) { events } else { self.refused() })
    }

    async fn stored(&self) -> db::Result<Stored> {
        let mut tx = self.chat.db.tenant(self.run.tenant).await?;
        let Some(run) = tx.find_run(self.run.run_id).await? else {
            return Ok(Stored::Events(self.end(gone())));
        };
        if self.position == 0 {
            return Ok(Stored::Events(numbered(1, [started(&run)])));
        }
        match &run.read_collection_ids {
            Some(ids) if !self.may_read(ids) => return Ok(Stored::Events(self.refused())),
            None if run.is_running() => return Ok(Stored::Nothing { is_readable: false }),
            _ => {}
        }
        let after = i32::try_from(self.position).unwrap_or(i32::MAX);
        let rows = tx.list_run_events(run.run_id, after, ROWS_AT_ONCE).await?;
        let events = decode(rows, self.position)?;
        if !events.is_empty() {
            return Ok(Stored::Events(events));
        }
        if run.is_running() {
            return Ok(Stored::Nothing { is_readable: true });
        }
        let end = match answer_of(&mut tx, &run).await? {
            Some(answer) => RunEvent::Done(Box::new(answer)),
            None => last_of(&mut tx, &run).await?.unwrap_or_else(|| failed(&run)),
        };
        Ok(self.ended(&run, end))
    }

    /// What follows the stored events of a run that is over.
    fn ended(&self, run: &Run, end: RunEvent) -> Stored {
        if run.is_over_after(self.position) {
            return Stored::End;
        }
        let next = self.position + 1;
        let last = run.event_count.and_then(|count| usize::try_from(count).ok());
        let events = if last == Some(next) { vec![end] } else { anew(self.position, end) };
        Stored::Events(numbered(next, events))
    }

    fn may_read(&self, collection_ids: &[Uuid]) -> bool {
        self.reach.as_ref().is_none_or(|reach| reach.holds_all(collection_ids))
    }

    fn end(&self, event: RunEvent) -> Vec<NumberedEvent> {
        numbered(self.position + 1, [event])
    }

    fn refused(&self) -> Vec<NumberedEvent> {
        self.end(RunEvent::Failed {
            code: ProblemCode::Forbidden,
            detail: "the answer is made of a collection that you do not reach".to_owned(),
            is_retryable: false,
        })
    }
}

/// The whole answer at once, for a reader who has seen what is not kept or who comes when the events are gone.
fn anew(position: usize, end: RunEvent) -> Vec<RunEvent> {
    let mut events = Vec::new();
    // Whoever has seen only `started` has nothing to throw away.
    if position > 1 {
        events.push(RunEvent::Reset { reason: "interrupted".to_owned() });
    }
    if let RunEvent::Done(answer) = &end {
        if !answer.content.is_empty() {
            events.push(RunEvent::Delta(answer.content.clone()));
        }
        let cited = answer.citations.iter().cloned().map(Box::new);
        events.extend(cited.map(RunEvent::Citation));
    }
    events.push(end);
    events
}

fn gone() -> RunEvent {
    RunEvent::Failed {
        code: ProblemCode::Conflict,
        detail: "the session was deleted while the answer was made".to_owned(),
        is_retryable: false,
    }
}

/// The last event of a run, as long as it is kept.
async fn last_of(tx: &mut TenantTx, run: &Run) -> db::Result<Option<RunEvent>> {
    let Some(before) = run.event_count.map(|count| count - 1) else { return Ok(None) };
    let rows = tx.list_run_events(run.run_id, before, 1).await?;
    let events = decode(rows, usize::try_from(before).unwrap_or_default())?;
    Ok(events.into_iter().map(|event| event.event).find(RunEvent::is_last))
}

/// Only where the event itself is not kept any more.
fn failed(run: &Run) -> RunEvent {
    RunEvent::Failed {
        code: ProblemCode::Unavailable,
        detail: format!(
            "there is no answer ({}); ask again",
            run.outcome_reason.as_deref().unwrap_or("unknown")
        ),
        is_retryable: true,
    }
}

fn started(run: &Run) -> RunEvent {
    let Run { run_id, session_id, question_id, .. } = *run;
    RunEvent::Started { run_id, session_id, question_id }
}

/// The answer as it is stored.
async fn answer_of(tx: &mut TenantTx, run: &Run) -> db::Result<Option<Answer>> {
    let Some(message_id) = run.answer_id else { return Ok(None) };
    let Some(message) = tx.find_message(message_id).await? else { return Ok(None) };
    let citations = tx.list_citations(&[message_id]).await?.remove(&message_id);
    let outcome = message.outcome.as_deref().and_then(Outcome::from_row);
    Ok(Some(Answer {
        message_id,
        run_id: message.run_id,
        session_id: message.session_id,
        content: message.content,
        citations: citations.unwrap_or_default(),
        outcome: outcome.unwrap_or(Outcome::Failed),
        outcome_reason: message.outcome_reason,
        usage: Usage {
            provider: message.provider.unwrap_or_default(),
            model: message.model.unwrap_or_default(),
            input_tokens: message.input_tokens,
            output_tokens: message.output_tokens,
            cached_input_tokens: message.cached_input_tokens,
            is_estimated: message.usage_estimated,
            cost_micro_usd: message.cost_micro_usd,
        },
        created_at: message.created_at,
    }))
}

/// Stored events after a number.
pub(super) fn decode(rows: Vec<EventBatch>, after: usize) -> db::Result<Vec<NumberedEvent>> {
    let fault = |detail: String| db::Error::Inconsistent { table: "run_events", detail };
    let mut events = Vec::new();
    for row in rows {
        let stored: Vec<RunEvent> =
            serde_json::from_str(&row.events).map_err(|error| fault(error.to_string()))?;
        let first = usize::try_from(row.first_number).map_err(|error| fault(error.to_string()))?;
        events.extend(numbered(first, stored).into_iter().filter(|event| event.number > after));
    }
    Ok(events)
}

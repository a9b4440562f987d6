//! The worker: hands the outbox to the queue, takes messages from it, runs the job that each names.
//!
//! It runs inside `serve` and `demo`, or alone as `pidima worker`. Jobs are idempotent: a message may come twice.

mod dump;
mod enrich;
mod reconcile;
mod reembed;
mod relay;
mod schedule;
mod sweep;
mod synchronise;
mod tell;
mod unbroken;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

pub use reconcile::{
    reconcile_deliveries, reconcile_dumps, reconcile_source_runs, reconcile_versions,
};
pub use schedule::start_all_due_runs;
pub use sweep::{sweep_deliveries, sweep_outcomes};
use unbroken::unbroken;

use crate::adapters::queue::{Delivery, Message, Queue, QueueError};
use crate::chat::Chat;
use crate::db::Db;
use crate::enrichment::Enrichment;
use crate::knowledge::{
    DUMP_COLLECTION, Dumps, ENRICH_COLLECTION, GivenUp, INGEST_VERSION, Ingestion, JobOutcome,
    REEMBED_COLLECTION, REMOVE_ORIGINAL, RESTORE_DUMP, Reembeddings, Uploads,
};
use crate::sources::{SYNC_SOURCE, SourceSync};
use crate::telemetry::metrics::metrics;
use crate::telemetry::{self, TRACED, TraceContext};
use crate::webhooks::{DELIVER_WEBHOOK, Webhooks};

/// Wait after a fault of database or queue.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(1);
/// What a queue has to answer a look in when we are asked to stop: one that waits for messages is not waited for, and one
/// that answers at once is not cut in the middle.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// How long a job waits whose kind has no place free, in milliseconds.
const NO_PLACE_MS: Range<u64> = 1_000..3_000;
/// Longest wait before a job that failed is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// How the worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Jobs at once.
    pub concurrency: usize,
    /// How long a message is ours before another worker may take it.
    pub visibility: Duration,
    /// How often the queue is looked at when nothing wakes us.
    pub poll: Duration,
    /// A message received more often than this is set aside.
    pub max_receives: u32,
    /// Messages of one tenant that are in the queue at once; the others wait in the line.
    pub window: u32,
    /// A message of which nothing was heard for so long is handed over again, and so is a version without one.
    pub lost_after: Duration,
}

/// Everything the worker needs.
#[derive(Clone)]
pub struct Worker {
    /// The database, for the outbox.
    pub db: Db,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The jobs on documents.
    pub ingestion: Ingestion,
    /// Runs, of which those of dead instances are ended.
    pub chat: Chat,
    /// The jobs on sources.
    pub sources: SourceSync,
    /// The jobs by which a model writes about documents.
    pub enrichment: Enrichment,
    /// The jobs on webhooks.
    pub webhooks: Webhooks,
    /// Changes of the embedding models of collections.
    pub reembeddings: Reembeddings,
    /// Large uploads, of which those whose time is over are removed.
    pub uploads: Uploads,
    /// The jobs on dumps, of which those whose time is over are removed.
    pub dumps: Dumps,
    /// Wakes the worker at once after an upload in this process.
    pub work_waits: Arc<Notify>,
    /// How it works.
    pub settings: WorkerSettings,
}

impl Worker {
    /// Works until `stop`, then waits for the jobs in hand.
    pub async fn run(self, stop: CancellationToken) {
        let jobs = TaskTracker::new();
        let (db, keep, until) = (self.db.clone(), self.webhooks.settings().keep, stop.clone());
        let sweep = move || sweep::run(db.clone(), keep, until.clone());
        jobs.spawn(unbroken("sweep", stop.clone(), sweep));
        let (db, until) = (self.db.clone(), stop.clone());
        let sweep_attachments = move || sweep::run_attachments(db.clone(), until.clone());
        jobs.spawn(unbroken("sweep attachments", stop.clone(), sweep_attachments));
        let (uploads, until) = (self.uploads.clone(), stop.clone());
        let sweep_uploads = move || sweep::run_uploads(uploads.clone(), until.clone());
        jobs.spawn(unbroken("sweep uploads", stop.clone(), sweep_uploads));
        let (reembeddings, until) = (self.reembeddings.clone(), stop.clone());
        let sweep_reembeddings = move || reembed::sweep(reembeddings.clone(), until.clone());
        jobs.spawn(unbroken("sweep re-embeddings", stop.clone(), sweep_reembeddings));
        let (dumps, until) = (self.dumps.clone(), stop.clone());
        let sweep_dumps = move || sweep::run_dumps(dumps.clone(), until.clone());
        jobs.spawn(unbroken("sweep dumps", stop.clone(), sweep_dumps));
        let (chat, until) = (self.chat.clone(), stop.clone());
        let sweep_runs = move || sweep::run_runs(chat.clone(), until.clone());
        jobs.spawn(unbroken("sweep runs", stop.clone(), sweep_runs));
        let (worker, until) = (self.clone(), stop.clone());
        let reconcile = move || reconcile::run(worker.clone(), until.clone());
        jobs.spawn(unbroken("reconcile", stop.clone(), reconcile));
        let (worker, until) = (self.clone(), stop.clone());
        let schedule = move || schedule::run(worker.clone(), until.clone());
        jobs.spawn(unbroken("schedule", stop.clone(), schedule));
        let arrived = Arc::new(Notify::new());
        let (worker, told, until) = (self.clone(), Arc::clone(&arrived), stop.clone());
        let relay = move || relay::run(worker.clone(), Arc::clone(&told), until.clone());
        jobs.spawn(unbroken("relay", stop.clone(), relay));
        let places = Arc::new(Semaphore::new(self.settings.concurrency));
        let take = || self.take_turns(&jobs, &places, &arrived, &stop);
        unbroken("take", stop.clone(), take).await;
        jobs.close();
        jobs.wait().await;
    }

    /// Takes messages as long as there are free places, until `stop`.
    async fn take_turns(
        &self,
        jobs: &TaskTracker,
        places: &Arc<Semaphore>,
        arrived: &Notify,
        stop: &CancellationToken,
    ) {
        while !stop.is_cancelled() {
            let looked = Instant::now();
            let next = match self.turn(jobs, places, stop).await {
                Ok(true) => continue,
                // A queue that waits for messages has used up the time already.
                Ok(false) => looked + self.settings.poll,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the worker pauses");
                    Instant::now() + PAUSE_AFTER_FAULT
                }
            };
            tokio::select! {
                () = arrived.notified() => {}
                () = tokio::time::sleep_until(next.into()) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Works until outbox and queue hold nothing that is due: for tests and imports.
    ///
    /// # Errors
    /// Database or queue failed.
    pub async fn run_until_idle(&self) -> Result<(), QueueError> {
        let never = CancellationToken::new();
        loop {
            let relayed = self.relay().await?;
            let deliveries = self.queue.receive(10, self.settings.visibility).await?;
            if relayed == 0 && deliveries.is_empty() {
                return Ok(());
            }
            for delivery in deliveries {
                self.run_job(delivery, &never).await;
            }
        }
    }

    /// Takes once; true when there may be more at once.
    async fn turn(
        &self,
        jobs: &TaskTracker,
        places: &Arc<Semaphore>,
        stop: &CancellationToken,
    ) -> Result<bool, QueueError> {
        let place = tokio::select! {
            place = Arc::clone(places).acquire_owned() => place,
            () = stop.cancelled() => return Ok(false),
        };
        let Ok(place) = place else { return Ok(false) };
        let deliveries = self.receive(stop).await?;
        if deliveries.is_empty() {
            return Ok(false);
        }
        let (worker, stop) = (self.clone(), stop.clone());
        // Who waits for a server, or for files, takes no place from documents: these have places of their own.
        let own = [DELIVER_WEBHOOK, SYNC_SOURCE, ENRICH_COLLECTION, DUMP_COLLECTION, RESTORE_DUMP];
        let waits = |it: &Delivery| own.contains(&it.message.kind.as_str());
        let place = (!deliveries.iter().all(waits)).then_some(place);
        jobs.spawn(async move {
            for delivery in deliveries {
                worker.run_job(delivery, &stop).await;
            }
            drop(place);
        });
        Ok(true)
    }

    /// One look at the queue, which may wait for a message until we are asked to stop.
    async fn receive(&self, stop: &CancellationToken) -> Result<Vec<Delivery>, QueueError> {
        let look = self.queue.receive(1, self.settings.visibility);
        tokio::pin!(look);
        tokio::select! {
            found = &mut look => return found,
            () = stop.cancelled() => {}
        }
        tokio::time::timeout(LAST_LOOK, look).await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    async fn run_job(&self, delivery: Delivery, stop: &CancellationToken) {
        let settled = async {
            if delivery.receives > self.settings.max_receives {
                return self.bury(&delivery).await;
            }
            let message_id = delivery.message.message_id;
            let begun = self.begin(message_id, self.settings.visibility).await;
            let trace = begun.unwrap_or_else(|error| {
                // At worst it is handed over once more.
                tracing::warn!(error = &error as &dyn std::error::Error, "noting a message");
                None
            });
            let span = job_span(&delivery.message, trace.as_ref());
            self.run_begun(&delivery, stop).instrument(span).await
        };
        if let Err(error) = settled.await {
            // Its visibility ends by itself, and it comes again.
            tracing::warn!(error = &error as &dyn std::error::Error, "settling a message");
        }
    }

    async fn run_begun(
        &self,
        delivery: &Delivery,
        stop: &CancellationToken,
    ) -> Result<(), QueueError> {
        let kind = kind_of(&delivery.message);
        if kind == DELIVER_WEBHOOK {
            return self.tell(delivery).await;
        }
        if kind == SYNC_SOURCE {
            return self.synchronise(delivery, stop).await;
        }
        if kind == REEMBED_COLLECTION {
            return self.reembed(delivery, stop).await;
        }
        if kind == ENRICH_COLLECTION {
            return self.enrich(delivery, stop).await;
        }
        if [DUMP_COLLECTION, RESTORE_DUMP].contains(&kind) {
            return self.dump(delivery, stop).await;
        }
        match self.dispatch(delivery).await {
            JobOutcome::Done => {
                self.settle(delivery).await?;
                metrics().job(kind, "done");
            }
            JobOutcome::Again(delay) => {
                self.trust(&[delivery.message.message_id], delay).await?;
                self.queue.release(delivery, delay).await?;
                metrics().job(kind, "again");
            }
        }
        Ok(())
    }

    /// Ends a message that was received too often. What it was about is given up first, so that it never waits for what
    /// nobody delivers.
    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let message = &delivery.message;
        if message.kind == REMOVE_ORIGINAL {
            // Nobody may forget to remove what a tenant deleted: it begins anew in the line.
            self.queue.delete(delivery).await?;
            return self.take_back(message.message_id).await;
        }
        if message.kind == INGEST_VERSION {
            let begun = delivery.receives.saturating_sub(1);
            let given_up =
                self.ingestion.abandon(message.tenant, message.subject_id, begun).await?;
            if given_up == GivenUp::InHand {
                // A copy of the message whose job goes on: that one will end it.
                return self.queue.delete(delivery).await;
            }
        }
        if message.kind == DELIVER_WEBHOOK
            && !self.webhooks.abandon(message.tenant, message.subject_id).await?
        {
            // A copy, as above.
            return self.queue.delete(delivery).await;
        }
        if message.kind == SYNC_SOURCE
            && !self.sources.abandon(message.tenant, message.subject_id).await?
        {
            return self.queue.delete(delivery).await;
        }
        if message.kind == REEMBED_COLLECTION
            && !self.reembeddings.abandon(message.tenant, message.subject_id).await?
        {
            return self.queue.delete(delivery).await;
        }
        if [DUMP_COLLECTION, RESTORE_DUMP].contains(&message.kind.as_str())
            && !self.abandon_dump(delivery).await?
        {
            return self.queue.delete(delivery).await;
        }
        tracing::error!(job.id = %message.message_id, kind = message.kind, "message set aside");
        // Out of the line first: it would be handed over again and meet the one that is set aside.
        self.leave_line(delivery).await?;
        self.queue.bury(delivery).await?;
        metrics().job(kind_of(message), "buried");
        Ok(())
    }

    async fn dispatch(&self, delivery: &Delivery) -> JobOutcome {
        let message = &delivery.message;
        let outcome = match message.kind.as_str() {
            INGEST_VERSION => {
                let job = self.ingestion.ingest(message.tenant, message.subject_id);
                Box::pin(self.while_holding(delivery, job)).await.map_err(anyhow::Error::from)
            }
            REMOVE_ORIGINAL => {
                let job = self.ingestion.remove_original(message.tenant, message.subject_id);
                job.await.map(|()| JobOutcome::Done).map_err(anyhow::Error::from)
            }
            unknown => {
                tracing::error!(kind = unknown, "unknown kind of job; a newer version may know it");
                Ok(JobOutcome::Again(Duration::from_secs(60)))
            }
        };
        outcome.unwrap_or_else(|error| {
            tracing::warn!(
                error = format!("{error:#}"),
                kind = message.kind,
                "job failed; it comes again"
            );
            JobOutcome::Again(later(delivery.receives))
        })
    }

    /// Keeps the message ours while a long job runs, as long as the queue lets us. A job whose message is lost goes on: its
    /// lease keeps others from doing the same.
    async fn while_holding<T>(&self, delivery: &Delivery, job: impl Future<Output = T>) -> T {
        tokio::pin!(job);
        let mut is_held = true;
        loop {
            tokio::select! {
                outcome = &mut job => return outcome,
                () = tokio::time::sleep(self.settings.visibility / 3), if is_held => {
                    is_held = self.hold(delivery).await;
                }
            }
        }
    }

    /// Whether the message is still ours, for all we know.
    async fn hold(&self, delivery: &Delivery) -> bool {
        let message_id = delivery.message.message_id;
        let held = async {
            let held = self.queue.extend(delivery, self.settings.visibility).await?;
            if held {
                self.trust(&[message_id], self.settings.visibility).await?;
            }
            Ok::<_, QueueError>(held)
        };
        match held.await {
            Ok(true) => true,
            Ok(false) => {
                tracing::warn!(job.id = %message_id, "a message is no longer ours while its job runs");
                false
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "extending a message");
                true
            }
        }
    }
}

/// The span of a job, which goes on with the trace that asked for it, or begins one.
fn job_span(message: &Message, trace: Option<&TraceContext>) -> Span {
    let span = tracing::info_span!(
        target: TRACED,
        parent: None,
        "job",
        otel.name = format!("process {}", kind_of(message)),
        otel.kind = "consumer",
        messaging.message.id = %message.message_id,
    );
    telemetry::continue_trace(&span, trace);
    span
}

/// The kind of a message, in our own words: anybody who may write to the queue can name another.
fn kind_of(message: &Message) -> &'static str {
    let known = [
        INGEST_VERSION,
        REMOVE_ORIGINAL,
        DELIVER_WEBHOOK,
        SYNC_SOURCE,
        REEMBED_COLLECTION,
        ENRICH_COLLECTION,
        DUMP_COLLECTION,
        RESTORE_DUMP,
    ];
    let known = known.into_iter().find(|kind| *kind == message.kind);
    known.unwrap_or("unknown")
}

/// Wait after a job that failed was received so often: 2 seconds, doubled each time, a quarter of an hour at most.
fn later(receives: u32) -> Duration {
    Duration::from_secs(1 << receives.clamp(1, 10)).min(LONGEST_WAIT)
}

/// Wait of a job whose kind has no place free to work in: not all come at once.
fn wait_for_a_place() -> Duration {
    Duration::from_millis(rand::rng().random_range(NO_PLACE_MS))
}

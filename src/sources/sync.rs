//! The job that reads a source: it goes on in slices, page by page, and each step is one transaction that a lease fences.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::archive::{UnpackSettings, Unpacking};
use super::configuration::{Archive, Bucket, Configuration, Website};
use super::rates::HostRates;
use super::store::leases::{Claim, ClaimedRun, RunEnd};
use super::store::pages::{NextPage, Turn};
use super::website::look::Site;
use crate::adapters::buckets::{BucketPlace, Buckets};
use crate::adapters::outbound::Outbound;
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Receiver, release_content};

/// Name of the job that works on a run.
pub const SYNC_SOURCE: &str = "sync_source";

/// Limits and manners of sources.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// Most sources of a tenant.
    pub max_sources: u32,
    /// Shortest time between two readings by schedule.
    pub min_interval_minutes: u32,
    /// Runs of a source that are kept.
    pub keep_runs: u32,
    /// Pages that are kept of a run because they failed or were skipped.
    pub keep_pages: u32,
    /// A run that would delete a larger part of a source deletes nothing.
    pub max_deleted_percent: u32,
    /// Runs that this process works on at once.
    pub concurrency: usize,
    /// After so long a run lets others go first.
    pub slice: Duration,
    /// How often it is looked for sources whose time has come.
    pub sweep: Duration,
    /// Most pages of a run.
    pub max_pages: u32,
    /// Most sitemaps of a run.
    pub max_sitemaps: u32,
    /// Most links between the start and a page.
    pub max_depth: u32,
    /// Most links that are taken from one page.
    pub max_links: usize,
    /// Longest time for finding the links of one page.
    pub max_parse: Duration,
    /// Longest address of a page.
    pub max_url_bytes: usize,
    /// Most bytes that a run reads.
    pub max_run_bytes: u64,
    /// Longest time of a run.
    pub max_run: Duration,
    /// Longest sitemap, unpacked.
    pub max_sitemap_bytes: usize,
    /// How much of a `robots.txt` is read.
    pub max_robots_bytes: usize,
    /// Redirects that are followed for one page.
    pub max_redirects: u32,
    /// Attempts at a page before it has failed.
    pub max_attempts: u32,
    /// Wait after the first attempt at a page.
    pub retry: Duration,
    /// Longest wait that a site can ask for.
    pub max_wait: Duration,
    /// Time between two requests to one host.
    pub delay: Duration,
    /// Longest time between them that a site can ask for.
    pub max_crawl_delay: Duration,
    /// Time for a page, redirects included.
    pub timeout: Duration,
    /// Time for an archive, redirects included.
    pub archive_timeout: Duration,
    /// What the page in hand may still take when the process is asked to stop.
    pub stop_grace: Duration,
    /// How long a worker is trusted without a sign, at a site that asks for no longer time between requests than ours.
    pub lease: Duration,
}

impl SyncSettings {
    /// Turns at a host that one page may wait for: at each redirect, and other runs of the process may be at the same host each
    /// time.
    pub fn turns_of_a_page(max_redirects: u32, concurrency: usize) -> u32 {
        let runs = u32::try_from(concurrency).unwrap_or(u32::MAX);
        (max_redirects + 1).saturating_mul(runs).saturating_add(2).max(16 + 2 * max_redirects)
    }

    /// How long a worker is trusted without a sign at a site whose requests are so far apart.
    fn lease_at(&self, delay: Duration) -> Duration {
        let longer = delay.saturating_sub(self.delay);
        let turns = Self::turns_of_a_page(self.max_redirects, self.concurrency);
        self.lease + longer.saturating_mul(turns)
    }
}

/// Turns at a host that are further off than this are not waited for at a place that others could have.
const LONG_TURN: Duration = Duration::from_secs(1);
/// A run that is longer than the longest by so much is ended whatever it is at: its worker may die each time before it looks at
/// the clock.
pub(super) const OVERTIME: Duration = Duration::from_secs(60 * 60);

/// What the runner does with the message of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// Delete it.
    Done,
    /// Let it wait in the line, outside the queue, for so long.
    Later(Duration),
}

/// What comes after a step.
pub(super) enum Step {
    /// The next one.
    Next,
    /// Nothing for so long.
    Later(Duration),
    /// Nothing: the run is over, or no longer ours.
    Over,
}

/// What a run does next.
pub(super) enum Next {
    /// Look at this.
    Look(NextPage),
    /// There is nothing to look at now.
    Instead(Step),
}

/// What is read, with what this slice has opened of it.
enum Reading {
    /// A web site.
    Website(Website, Option<Site>),
    /// An archive.
    Archive(Archive, Option<Unpacking>),
    /// A bucket.
    Bucket(Bucket, Option<BucketPlace>),
}

impl Reading {
    fn of(configuration: Configuration) -> Self {
        match configuration {
            Configuration::Website(website) => Self::Website(website, None),
            Configuration::Archive(archive) => Self::Archive(archive, None),
            Configuration::Bucket(bucket) => Self::Bucket(bucket, None),
        }
    }
}

/// What sources are read by.
#[derive(Debug)]
pub struct Means {
    /// Fetches pages.
    pub pages: Outbound,
    /// Fetches archives, which are longer.
    pub archives: Outbound,
    /// Unpacks them.
    pub unpack: UnpackSettings,
    /// Reads buckets.
    pub buckets: Buckets,
}

/// The service that reads sources.
#[derive(Clone)]
pub struct SourceSync {
    pub(super) db: Db,
    pub(super) receiver: Receiver,
    pub(super) outbound: Outbound,
    pub(super) archives: Outbound,
    pub(super) unpack: UnpackSettings,
    pub(super) buckets: Arc<Buckets>,
    pub(super) settings: SyncSettings,
    rates: HostRates,
    places: Arc<Semaphore>,
}

impl SourceSync {
    /// A service that reads by these means.
    pub fn new(db: Db, receiver: Receiver, means: Means, settings: SyncSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.concurrency));
        let Means { pages: outbound, archives, unpack, buckets } = means;
        let rates = HostRates::default();
        let buckets = Arc::new(buckets);
        Self { db, receiver, outbound, archives, unpack, buckets, settings, rates, places }
    }

    /// Limits and manners.
    pub fn settings(&self) -> &SyncSettings {
        &self.settings
    }

    /// Wakes the worker of this process: there is something for it to do.
    pub fn wake_worker(&self) {
        self.receiver.wake_worker();
    }

    /// A place to work on a run, as long as it is kept; `None` when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Works on a run for a slice, or until `stop`: then with the page in hand, as long as that takes no longer than it may.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the run: the message should come again.
    pub async fn sync(
        &self,
        tenant: TenantId,
        run_id: Uuid,
        stop: &CancellationToken,
    ) -> db::Result<SyncOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.db.tenant(tenant).await?;
        let claim = tx.claim_source_run(run_id, token, self.settings.lease).await?;
        tx.commit().await?;
        let mut run = match claim {
            Claim::Held(run) => *run,
            Claim::Busy(wait) => return Ok(SyncOutcome::Later(wait)),
            Claim::Nothing => return Ok(SyncOutcome::Done),
        };
        if run.seconds > (self.settings.max_run + OVERTIME).as_secs_f64() {
            let detail = "the run did not come to an end in its time; tell the operator".to_owned();
            self.partial(tenant, &run, ("time_limit".to_owned(), detail)).await?;
            self.let_go(tenant, &run).await?;
            return Ok(SyncOutcome::Done);
        }
        let worked = self.slice(tenant, &mut run, stop).await;
        // Also after a fault, so that the next one need not wait for the lease.
        self.let_go(tenant, &run).await?;
        worked
    }

    /// Lets go of a run, and of its archive when the run is over: somebody may have cancelled it during the slice.
    async fn let_go(&self, tenant: TenantId, run: &ClaimedRun) -> db::Result<()> {
        let mut tx = self.db.tenant(tenant).await?;
        tx.release_source_run(run).await?;
        if let Some(content_id) = run.content_id
            && !tx.is_source_run_held(run.run_id).await?
        {
            release_content(&mut tx, content_id).await?;
        }
        tx.commit().await
    }

    /// Gives up a run whose message is set aside; false when another worker has it in hand.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon(&self, tenant: TenantId, run_id: Uuid) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        let detail = "the work was begun again and again and never came to an end; start the source once more when the operator has removed the cause";
        let Some(ended) = tx.abandon_source_run(run_id, "worker_lost", detail).await? else {
            return Ok(!tx.is_source_run_held(run_id).await?);
        };
        if let Some(content_id) = ended.content_id {
            release_content(&mut tx, content_id).await?;
        }
        self.finish(&mut tx, ended.source_id, run_id).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn slice(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        stop: &CancellationToken,
    ) -> db::Result<SyncOutcome> {
        let mut reading = Reading::of(Configuration::from_row(&run.kind, &run.configuration)?);
        let began = Instant::now();
        while began.elapsed() < self.settings.slice && !stop.is_cancelled() {
            match Box::pin(self.step(tenant, run, &mut reading, stop)).await? {
                Step::Next => {}
                Step::Later(wait) => return Ok(SyncOutcome::Later(wait)),
                Step::Over => return Ok(SyncOutcome::Done),
            }
        }
        Ok(SyncOutcome::Later(Duration::ZERO))
    }

    async fn step(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        reading: &mut Reading,
        stop: &CancellationToken,
    ) -> db::Result<Step> {
        if run.phase == "removing" {
            return self.remove_one(tenant, run).await;
        }
        match reading {
            Reading::Website(website, site) => self.visit(tenant, run, website, site, stop).await,
            Reading::Archive(archive, open) => {
                self.step_through_archive(tenant, run, archive, open, stop).await
            }
            Reading::Bucket(bucket, known) => {
                self.step_through_bucket(tenant, run, bucket, known, stop).await
            }
        }
    }

    /// What a run looks at next, where requests are so far apart.
    pub(super) async fn next_page(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        delay: Duration,
    ) -> db::Result<Next> {
        let mut tx = self.db.tenant(tenant).await?;
        if delay > self.settings.delay
            && !tx.keep_source_run(run, self.settings.lease_at(delay)).await?
        {
            return Ok(Next::Instead(Step::Over));
        }
        let turn = tx.take_source_page(run.run_id).await?;
        tx.commit().await?;
        let page = match turn {
            Turn::Page(page) => page,
            Turn::Wait(wait) => return Ok(Next::Instead(Step::Later(wait))),
            Turn::Nothing => return self.conclude(tenant, run).await.map(Next::Instead),
        };
        if let Some(limit) = self.limit_met(run) {
            run.limit_code.get_or_insert_with(|| limit.to_owned());
            return self.conclude(tenant, run).await.map(Next::Instead);
        }
        Ok(Next::Look(page))
    }

    /// How long it is until the next turn at a host, when whoever waits for it should let others have its place.
    pub(super) fn long_wait(&self, host: &str) -> Option<Duration> {
        Some(self.rates.wait(host)).filter(|wait| *wait > LONG_TURN)
    }

    /// Waits for the turn at a host whose requests are so far apart.
    pub(super) async fn wait_for_turn(&self, host: &str, delay: Duration) {
        tokio::time::sleep(self.rates.take_turn(host, delay)).await;
    }

    /// The limit that keeps a run from going on.
    pub(super) fn limit_met(&self, run: &ClaimedRun) -> Option<&'static str> {
        if u64::try_from(run.bytes_read).unwrap_or_default() >= self.settings.max_run_bytes {
            return Some("byte_limit");
        }
        (run.seconds >= self.settings.max_run.as_secs_f64()).then_some("time_limit")
    }

    /// Ends a run that can not go on.
    pub(super) async fn fail(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        reason: (String, String),
    ) -> db::Result<Step> {
        self.end(tenant, run, &RunEnd { state: "failed", reason: Some(reason) }).await
    }
}

//! A run in the hands of a worker. Each change names the token of its lease: a worker that was taken for dead changes nothing.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::runs::EndedRun;
use crate::db::{self, TenantTx};

/// Shortest wait for a run that another worker has.
const SHORTEST_WAIT: f64 = 0.05;

/// A run that is ours.
#[derive(Clone, Debug)]
pub struct ClaimedRun {
    /// Id.
    pub run_id: Uuid,
    /// Proof that it is ours.
    pub token: Uuid,
    /// Source.
    pub source_id: Uuid,
    /// Collection of the documents.
    pub collection_id: Uuid,
    /// Kind of the source.
    pub kind: String,
    /// Where and how it is read.
    pub configuration: Value,
    /// `reading` or `removing`.
    pub phase: String,
    /// Whether it may delete more than usual.
    pub allow_mass_deletion: bool,
    /// Text of `robots.txt`; absent until it was read.
    pub robots: Option<String>,
    /// Whether all files of an archive are among its pages.
    pub is_planned: bool,
    /// Archive that it reads, as it is held; absent until it was fetched.
    pub content_id: Option<Uuid>,
    /// First limit that it met.
    pub limit_code: Option<String>,
    /// Pages that it knows of.
    pub pages_found: i32,
    /// Sitemaps that it knows of.
    pub sitemaps_found: i32,
    /// Bytes that it read.
    pub bytes_read: i64,
    /// Pages that could not be looked at.
    pub failed: i32,
    /// Pages that the source did not have before.
    pub new: i32,
    /// Seconds since work on it began.
    pub seconds: f64,
}

/// Outcome of a claim.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Held(Box<ClaimedRun>),
    /// Another worker has it.
    Busy(Duration),
    /// Gone, or over.
    Nothing,
}

/// How a run ends.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// `completed`, `partial` or `failed`.
    pub state: &'static str,
    /// Why it is not completed: for programs, and in words.
    pub reason: Option<(String, String)>,
}

impl TenantTx {
    /// Takes a run that is in nobody's hands.
    pub(in crate::sources) async fn claim_source_run(
        &mut self,
        run_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim> {
        let claimed = sqlx::query_as!(
            ClaimedRun,
            r#"update source_runs r
            set
                state = 'running',
                started_at = coalesce(r.started_at, now()),
                touched_at = now(),
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            from sources s
            where r.tenant_id = $1
                and r.run_id = $2
                and r.state in ('queued', 'running')
                and (r.lease_expires_at is null or r.lease_expires_at <= now())
                and s.tenant_id = r.tenant_id
                and s.source_id = r.source_id
            returning
                r.run_id,
                r.lease_token as "token!",
                r.source_id,
                s.collection_id,
                s.kind,
                s.configuration,
                r.phase,
                r.allow_mass_deletion,
                r.robots,
                r.is_planned,
                r.content_id,
                r.limit_code,
                r.pages_found,
                r.sitemaps_found,
                r.bytes_read,
                r.failed,
                r.new,
                extract(epoch from now() - r.started_at)::float8 as "seconds!""#,
            self.tenant().uuid(),
            run_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(run) = claimed {
            return Ok(Claim::Held(Box::new(run)));
        }
        let busy = sqlx::query_scalar!(
            r#"select extract(epoch from lease_expires_at - now())::float8 as "seconds"
            from source_runs
            where tenant_id = $1
                and run_id = $2
                and state in ('queued', 'running')"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(seconds) = busy else { return Ok(Claim::Nothing) };
        let seconds = seconds.unwrap_or_default().max(SHORTEST_WAIT);
        Ok(Claim::Busy(Duration::from_secs_f64(seconds)))
    }

    /// Lets go of a run, so that anybody may take it at once.
    pub(in crate::sources) async fn release_source_run(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_runs
            set
                lease_token = null,
                lease_expires_at = null,
                touched_at = now()
            where tenant_id = $1
                and run_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            run.run_id,
            run.token
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether the lease of a run is ours, also of one that is over; nobody ends it until the end of the transaction. The source
    /// comes first, as for whoever deletes it: a page that is new to it refers to it.
    pub(in crate::sources) async fn lock_source_lease(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            "with source as materialized (
                select source_id
                from sources
                where tenant_id = $1
                    and source_id = $4
                for key share
            )
            select r.run_id
            from source s
            join source_runs r on r.source_id = s.source_id
            where r.tenant_id = $1
                and r.run_id = $2
                and r.lease_token = $3
            for update of r",
            self.tenant().uuid(),
            run.run_id,
            run.token,
            run.source_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// Writes what a worker knows of its run, and holds it for another while; false when it is no longer ours.
    pub(in crate::sources) async fn keep_source_run(
        &mut self,
        run: &ClaimedRun,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update source_runs
            set
                phase = $4,
                limit_code = $5,
                pages_found = $6,
                sitemaps_found = $7,
                bytes_read = $8,
                is_planned = $9,
                touched_at = now(),
                lease_expires_at = now() + make_interval(secs => $10)
            where tenant_id = $1
                and run_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            run.run_id,
            run.token,
            run.phase,
            run.limit_code.as_deref(),
            run.pages_found,
            run.sitemaps_found,
            run.bytes_read,
            run.is_planned,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes what a site asks not to read. Once in a run, as it may be long.
    pub(in crate::sources) async fn put_source_robots(
        &mut self,
        run: &ClaimedRun,
        robots: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_runs
            set robots = $4
            where tenant_id = $1
                and run_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            run.run_id,
            run.token,
            robots
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Counts a page by its outcome.
    pub(in crate::sources) async fn count_source_page(
        &mut self,
        run: &ClaimedRun,
        outcome: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_runs
            set
                seen = seen + 1,
                new = new + ($3 = 'new')::int,
                changed = changed + ($3 = 'changed')::int,
                unchanged = unchanged + ($3 = 'unchanged')::int,
                skipped = skipped + ($3 = 'skipped')::int,
                failed = failed + ($3 = 'failed')::int
            where tenant_id = $1
                and run_id = $2",
            self.tenant().uuid(),
            run.run_id,
            outcome
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Counts a page that is gone.
    pub(in crate::sources) async fn count_deleted_page(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_runs
            set deleted = deleted + 1
            where tenant_id = $1
                and run_id = $2",
            self.tenant().uuid(),
            run.run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a run and lets go of it; false when it is no longer ours.
    pub(in crate::sources) async fn end_source_run(
        &mut self,
        run: &ClaimedRun,
        end: &RunEnd,
    ) -> db::Result<bool> {
        let (code, detail) = end.reason.clone().unzip();
        let done = sqlx::query!(
            "update source_runs
            set
                state = $4,
                reason_code = $5,
                reason_detail = $6,
                limit_code = $7,
                finished_at = now(),
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and run_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            run.run_id,
            run.token,
            end.state,
            code.as_deref(),
            detail.as_deref(),
            run.limit_code.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives up a run that nobody works on; `None` when it is over or in somebody's hands.
    pub(in crate::sources) async fn abandon_source_run(
        &mut self,
        run_id: Uuid,
        code: &str,
        detail: &str,
    ) -> db::Result<Option<EndedRun>> {
        let ended = sqlx::query_as!(
            EndedRun,
            "update source_runs
            set
                state = 'failed',
                reason_code = $3,
                reason_detail = $4,
                finished_at = now(),
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and run_id = $2
                and state in ('queued', 'running')
                and (lease_expires_at is null or lease_expires_at <= now())
            returning
                source_id,
                content_id",
            self.tenant().uuid(),
            run_id,
            code,
            detail
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(ended)
    }

    /// Whether there is a run that is not over.
    pub(in crate::sources) async fn is_source_run_held(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<bool> {
        let is_held = sqlx::query_scalar!(
            r#"select exists (
                select
                from source_runs
                where tenant_id = $1
                    and run_id = $2
                    and state in ('queued', 'running')
            ) as "is_held!""#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_held)
    }
}

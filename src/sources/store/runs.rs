//! Rows of `source_runs` as they are asked for, shown and ended.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRun {
    /// Id.
    pub run_id: Uuid,
    /// Source.
    pub source_id: Uuid,
    /// `request` or `schedule`.
    pub trigger: String,
    /// `queued`, `running`, `completed`, `partial`, `failed` or `cancelled`.
    pub state: String,
    /// Bytes read.
    pub bytes_read: i64,
    /// Pages that were looked at.
    pub seen: i32,
    /// Pages that were not there before.
    pub new: i32,
    /// Pages with another content.
    pub changed: i32,
    /// Pages with the same content.
    pub unchanged: i32,
    /// Pages that make no document.
    pub skipped: i32,
    /// Pages that could not be looked at.
    pub failed: i32,
    /// Pages that are gone.
    pub deleted: i32,
    /// Why it is not completed.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason_detail: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

impl SourceRun {
    /// Whether it is at its end.
    pub fn is_over(&self) -> bool {
        !matches!(self.state.as_str(), "queued" | "running")
    }
}

/// A run that was ended from outside.
#[derive(Clone, Debug)]
pub(in crate::sources) struct EndedRun {
    /// Source.
    pub source_id: Uuid,
    /// Archive that is held for it and that no worker has in its hands.
    pub content_id: Option<Uuid>,
}

impl TenantTx {
    /// Stores a run that begins when a worker takes it; false when there is one that is not over.
    pub(in crate::sources) async fn insert_source_run(
        &mut self,
        run_id: Uuid,
        source_id: Uuid,
        trigger: &str,
        mass_deletion: bool,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "insert into source_runs (tenant_id, run_id, source_id, trigger, allow_mass_deletion)
            values ($1, $2, $3, $4, $5)
            on conflict (tenant_id, source_id) where state in ('queued', 'running') do nothing",
            self.tenant().uuid(),
            run_id,
            source_id,
            trigger,
            mass_deletion
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a source has a run that is not over.
    pub(in crate::sources) async fn is_source_being_read(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<bool> {
        let is_read = sqlx::query_scalar!(
            r#"select exists (
                select
                from source_runs
                where tenant_id = $1
                    and source_id = $2
                    and state in ('queued', 'running')
            ) as "is_read!""#,
            self.tenant().uuid(),
            source_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_read)
    }

    /// One run of a source.
    pub async fn find_source_run(
        &mut self,
        source_id: Uuid,
        run_id: Uuid,
    ) -> db::Result<Option<SourceRun>> {
        let run = sqlx::query_as!(
            SourceRun,
            "select
                run_id,
                source_id,
                trigger,
                state,
                bytes_read,
                seen,
                new,
                changed,
                unchanged,
                skipped,
                failed,
                deleted,
                reason_code,
                reason_detail,
                created_at,
                started_at,
                finished_at
            from source_runs
            where tenant_id = $1
                and source_id = $2
                and run_id = $3",
            self.tenant().uuid(),
            source_id,
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(run)
    }

    /// Runs of a source, newest first.
    pub async fn list_source_runs(
        &mut self,
        source_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<SourceRun>> {
        let rows = sqlx::query_as!(
            SourceRun,
            "select
                run_id,
                source_id,
                trigger,
                state,
                bytes_read,
                seen,
                new,
                changed,
                unchanged,
                skipped,
                failed,
                deleted,
                reason_code,
                reason_detail,
                created_at,
                started_at,
                finished_at
            from source_runs
            where tenant_id = $1
                and source_id = $2
                and ($3::uuid is null or run_id < $3)
            order by run_id desc
            limit $4",
            self.tenant().uuid(),
            source_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |run| run.run_id))
    }

    /// Ends the runs of a source that are not over. A worker that is at work on one keeps its lease until it notices.
    pub(in crate::sources) async fn cancel_source_runs(
        &mut self,
        source_id: Uuid,
        run_id: Option<Uuid>,
    ) -> db::Result<Vec<EndedRun>> {
        let ended = sqlx::query_as!(
            EndedRun,
            r#"update source_runs
            set
                state = 'cancelled',
                reason_code = 'cancelled',
                reason_detail = 'somebody cancelled the run; nothing was deleted after that',
                finished_at = now(),
                touched_at = now()
            where tenant_id = $1
                and source_id = $2
                and ($3::uuid is null or run_id = $3)
                and state in ('queued', 'running')
            returning
                source_id,
                case when lease_expires_at > now() then null else content_id end as "content_id?""#,
            self.tenant().uuid(),
            source_id,
            run_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ended)
    }

    /// Archives of runs of a source that are held still.
    pub(in crate::sources) async fn list_source_contents(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            r#"select r.content_id as "content_id!"
            from source_runs r
            join pending_originals p on p.tenant_id = r.tenant_id and p.version_id = r.content_id
            where r.tenant_id = $1
                and r.source_id = $2
            order by r.run_id"#,
            self.tenant().uuid(),
            source_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Whether a worker is at work for a source at this moment, also on a run that was cancelled.
    pub(in crate::sources) async fn is_source_in_hand(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<bool> {
        let is_held = sqlx::query_scalar!(
            r#"select exists (
                select
                from source_runs
                where tenant_id = $1
                    and source_id = $2
                    and lease_expires_at > now()
            ) as "is_held!""#,
            self.tenant().uuid(),
            source_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_held)
    }

    /// Removes all but the newest runs of a source.
    pub(in crate::sources) async fn trim_source_runs(
        &mut self,
        source_id: Uuid,
        keep: u32,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from source_runs
            where tenant_id = $1
                and source_id = $2
                and state not in ('queued', 'running')
                and run_id in (
                    select run_id
                    from source_runs
                    where tenant_id = $1
                        and source_id = $2
                    order by run_id desc
                    offset $3
                )",
            self.tenant().uuid(),
            source_id,
            i64::from(keep)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Runs that are not over, in nobody's hands and without a message, all of this for `lost_after`; at most so many. They count as
    /// touched now.
    pub async fn touch_lost_source_runs(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with lost as materialized (
                select r.run_id
                from source_runs r
                where r.tenant_id = $1
                    and r.state in ('queued', 'running')
                    and greatest(r.touched_at, r.lease_expires_at) <= now() - make_interval(secs => $2)
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = r.tenant_id
                            and o.subject_id = r.run_id
                    )
                order by r.run_id
                limit $3
                for update skip locked
            )
            update source_runs r
            set touched_at = now()
            from lost l
            where r.tenant_id = $1
                and r.run_id = l.run_id
            returning r.run_id",
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}

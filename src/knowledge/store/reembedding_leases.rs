//! A re-embedding in the hands of a worker. Each change names the token of its lease and the state that the worker knows: one
//! that was taken for dead, or that somebody steered past, changes nothing.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Shortest wait for a re-embedding that another worker has.
const SHORTEST_WAIT: f64 = 0.05;

/// A re-embedding that is ours.
#[derive(Clone, Debug)]
pub struct ClaimedReembedding {
    /// Id.
    pub reembedding_id: Uuid,
    /// Proof that it is ours.
    pub token: Uuid,
    /// Collection.
    pub collection_id: Uuid,
    /// Model of the vectors that searches read when it began.
    pub from_model: String,
    /// Model that is to take its place.
    pub to_model: String,
    /// Where it stands.
    pub state: String,
    /// Attempts that failed since a passage was last embedded.
    pub failures: i32,
    /// Model whose vectors are to be removed at this moment.
    pub due_model: Option<String>,
}

/// Outcome of a claim.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Held(Box<ClaimedReembedding>),
    /// Another worker has it.
    Busy(Duration),
    /// Gone.
    Nothing,
}

/// How far a re-embedding is, in passages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// With vectors of the new model.
    pub done: i64,
    /// Of the collection.
    pub total: i64,
}

/// How the nearest passages by the new vectors compare with those by the old ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShadowRecall {
    /// Mean overlap, 0 to 1; absent when nothing was compared.
    pub overlap: Option<f64>,
    /// Questions that were compared.
    pub sample: i32,
    /// Nearest passages of each.
    pub depth: i32,
    /// `questions` or `passages`.
    pub source: &'static str,
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedWork<'a> {
    /// For programs.
    pub code: &'a str,
    /// What a person can do about it.
    pub detail: &'a str,
    /// Whether it is given up.
    pub is_last: bool,
    /// How long vectors are kept that it made until then.
    pub keep: Duration,
}

impl TenantTx {
    /// Takes a re-embedding that is in nobody's hands, also one that is over: vectors may have to be removed.
    pub(in crate::knowledge) async fn claim_reembedding(
        &mut self,
        reembedding_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim> {
        let claimed = sqlx::query_as!(
            ClaimedReembedding,
            r#"update reembeddings
            set
                state = case when state = 'queued' then 'running' else state end,
                started_at = case when state = 'queued' then coalesce(started_at, now()) else started_at end,
                touched_at = now(),
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            where tenant_id = $1
                and reembedding_id = $2
                and (lease_expires_at is null or lease_expires_at <= now())
            returning
                reembedding_id,
                lease_token as "token!",
                collection_id,
                from_model,
                to_model,
                state,
                failures,
                case when drop_at <= now() then drop_model end as due_model"#,
            self.tenant().uuid(),
            reembedding_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(claimed) = claimed {
            return Ok(Claim::Held(Box::new(claimed)));
        }
        let busy = sqlx::query_scalar!(
            r#"select extract(epoch from lease_expires_at - now())::float8 as "seconds"
            from reembeddings
            where tenant_id = $1
                and reembedding_id = $2"#,
            self.tenant().uuid(),
            reembedding_id
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(seconds) = busy else { return Ok(Claim::Nothing) };
        let seconds = seconds.unwrap_or_default().max(SHORTEST_WAIT);
        Ok(Claim::Busy(Duration::from_secs_f64(seconds)))
    }

    /// Lets go of a re-embedding, so that anybody may take it at once.
    pub(in crate::knowledge) async fn release_reembedding(
        &mut self,
        job: &ClaimedReembedding,
    ) -> db::Result<()> {
        sqlx::query!(
            "update reembeddings
            set
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Holds a re-embedding for another while, and writes how far it is where that is given; false when it is no longer ours.
    pub(in crate::knowledge) async fn keep_reembedding(
        &mut self,
        job: &ClaimedReembedding,
        progress: Option<Progress>,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                chunks_done = coalesce($5, chunks_done),
                chunks_total = coalesce($6, chunks_total),
                failures = case when $5::bigint is null then failures else 0 end,
                touched_at = now(),
                lease_expires_at = now() + make_interval(secs => $7)
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = $4",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            job.state,
            progress.map(|it| it.done),
            progress.map(|it| it.total),
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that every passage has new vectors, and how they compare, and lets go of it; false when it is no longer ours.
    pub(in crate::knowledge) async fn mark_reembedding_ready(
        &mut self,
        job: &ClaimedReembedding,
        progress: Progress,
        recall: ShadowRecall,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'ready',
                comparison = null,
                ready_at = now(),
                touched_at = now(),
                failures = 0,
                chunks_done = $4,
                chunks_total = $5,
                recall_overlap = $6,
                recall_sample = $7,
                recall_depth = $8,
                recall_source = $9,
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            progress.done,
            progress.total,
            recall.overlap,
            recall.sample,
            recall.depth,
            recall.source
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an attempt that failed, and lets go of it; the whole re-embedding too when it was the last one. False when it is
    /// no longer ours.
    pub(in crate::knowledge) async fn fail_reembedding(
        &mut self,
        job: &ClaimedReembedding,
        failed: FailedWork<'_>,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = case when $4 then 'failed' else state end,
                failures = failures + 1,
                comparison = case when not $4 then comparison end,
                failure_code = case when $4 then $5 end,
                failure_detail = case when $4 then $6 end,
                finished_at = case when $4 then now() end,
                drop_model = case when $4 then to_model end,
                drop_at = case when $4 then now() + make_interval(secs => $7) end,
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            failed.is_last,
            failed.code,
            failed.detail,
            failed.keep.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives up a re-embedding that nobody works on; false when it is past that, or in somebody's hands.
    pub(in crate::knowledge) async fn abandon_reembedding(
        &mut self,
        reembedding_id: Uuid,
        failed: FailedWork<'_>,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'failed',
                comparison = null,
                failure_code = $3,
                failure_detail = $4,
                finished_at = now(),
                drop_model = to_model,
                drop_at = now() + make_interval(secs => $5),
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and state in ('queued', 'running')
                and (lease_expires_at is null or lease_expires_at <= now())",
            self.tenant().uuid(),
            reembedding_id,
            failed.code,
            failed.detail,
            failed.keep.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a worker is at work on a re-embedding, or will be.
    pub(in crate::knowledge) async fn is_reembedding_held(
        &mut self,
        reembedding_id: Uuid,
    ) -> db::Result<bool> {
        let is_held = sqlx::query_scalar!(
            r#"select exists (
                select
                from reembeddings
                where tenant_id = $1
                    and reembedding_id = $2
                    and (state in ('queued', 'running') or lease_expires_at > now())
            ) as "is_held!""#,
            self.tenant().uuid(),
            reembedding_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_held)
    }

    /// Ends a re-embedding whose old vectors were kept long enough; false when it is not so, or no longer ours.
    pub(in crate::knowledge) async fn complete_reembedding(
        &mut self,
        job: &ClaimedReembedding,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'completed',
                finished_at = now(),
                touched_at = now()
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = 'switched'
                and drop_at <= now()",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Has vectors removed that came in after the end; false when it is no longer ours.
    pub(in crate::knowledge) async fn begin_late_drop(
        &mut self,
        job: &ClaimedReembedding,
        model: &str,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                drop_model = $4,
                drop_at = now(),
                touched_at = now()
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = 'completed'
                and drop_model is null",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            model
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that there is nothing to be removed any more, and lets go of it.
    pub(in crate::knowledge) async fn end_reembedding_drop(
        &mut self,
        job: &ClaimedReembedding,
    ) -> db::Result<()> {
        sqlx::query!(
            "update reembeddings
            set
                drop_model = null,
                drop_at = null,
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = $4",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            job.state
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

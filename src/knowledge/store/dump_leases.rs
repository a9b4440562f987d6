//! A dump in the hands of a worker. Each change names the token of its lease: a worker that was taken for dead changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Shortest wait for what another worker has.
const SHORTEST_WAIT: f64 = 0.05;

/// A dump that is ours.
#[derive(Clone, Debug)]
pub struct ClaimedDump {
    /// Id.
    pub dump_id: Uuid,
    /// Proof that it is ours, and part of the keys of the files that we write.
    pub token: Uuid,
    /// Collection that it is of.
    pub collection_id: Uuid,
    /// Name of the collection.
    pub collection_name: String,
    /// What is in the collection.
    pub collection_description: String,
    /// Attempt that the claim began.
    pub attempts: i32,
    /// When it began, by the database's clock.
    pub began_at: DateTime<Utc>,
}

/// Outcome of a claim.
#[derive(Clone, Debug)]
pub enum Claim<T> {
    /// It is ours.
    Held(T),
    /// Another worker has it.
    Busy(Duration),
    /// Gone, or over.
    Nothing,
}

/// What is in a dump until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpCounts {
    /// Documents.
    pub documents: i32,
    /// Passages.
    pub chunks: i64,
    /// Vectors.
    pub embeddings: i64,
}

/// A dump that is ready.
#[derive(Clone, Debug)]
pub struct DumpEnd {
    /// What is in it.
    pub counts: DumpCounts,
    /// Size of all files.
    pub size_bytes: i64,
    /// Model of the vectors.
    pub embedding_model: String,
    /// Numbers in each vector.
    pub embedding_dimensions: i32,
    /// Version of the files' form.
    pub format_version: i32,
    /// Name, size, SHA-256 and rows of each file.
    pub files: Value,
}

impl<T> Claim<T> {
    /// From the seconds until the lease of another worker ends, when there is a row that is not over.
    pub(super) fn of_another(seconds: Option<Option<f64>>) -> Self {
        let Some(seconds) = seconds else { return Self::Nothing };
        Self::Busy(Duration::from_secs_f64(seconds.unwrap_or_default().max(SHORTEST_WAIT)))
    }
}

impl TenantTx {
    /// Takes a dump that is in nobody's hands, and begins an attempt with files of its own.
    pub(in crate::knowledge) async fn claim_dump(
        &mut self,
        dump_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim<ClaimedDump>> {
        let claimed = sqlx::query_as!(
            ClaimedDump,
            r#"update dumps d
            set
                state = 'running',
                attempts = d.attempts + 1,
                files_id = $3,
                started_at = coalesce(d.started_at, now()),
                touched_at = now(),
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            from collections c
            where d.tenant_id = $1
                and d.dump_id = $2
                and d.state in ('queued', 'running')
                and (d.lease_expires_at is null or d.lease_expires_at <= now())
                and c.tenant_id = d.tenant_id
                and c.collection_id = d.collection_id
                and c.name is not null
            returning
                d.dump_id,
                d.lease_token as "token!",
                d.collection_id,
                c.name as "collection_name!",
                c.description as collection_description,
                d.attempts,
                now() as "began_at!""#,
            self.tenant().uuid(),
            dump_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(dump) = claimed {
            self.announce_dump_files(token, lease).await?;
            return Ok(Claim::Held(dump));
        }
        let busy = sqlx::query_scalar!(
            r#"select extract(epoch from lease_expires_at - now())::float8 as "seconds"
            from dumps
            where tenant_id = $1
                and dump_id = $2
                and state in ('queued', 'running')"#,
            self.tenant().uuid(),
            dump_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(Claim::of_another(busy))
    }

    /// Holds a dump for another while, and says what is in it until now where that is given; false when it is no longer ours.
    pub(in crate::knowledge) async fn keep_dump(
        &mut self,
        dump: &ClaimedDump,
        lease: Duration,
        counts: Option<DumpCounts>,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update dumps
            set
                document_count = coalesce($5, document_count),
                chunk_count = coalesce($6, chunk_count),
                embedding_count = coalesce($7, embedding_count),
                touched_at = now(),
                lease_expires_at = now() + make_interval(secs => $4)
            where tenant_id = $1
                and dump_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            dump.dump_id,
            dump.token,
            lease.as_secs_f64(),
            counts.map(|counts| counts.documents),
            counts.map(|counts| counts.chunks),
            counts.map(|counts| counts.embeddings)
        )
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.keep_dump_files(dump.token, lease).await?;
        Ok(true)
    }

    /// Ends a dump that is ready, and lets go of it; false when it is no longer ours.
    pub(in crate::knowledge) async fn finish_dump(
        &mut self,
        dump: &ClaimedDump,
        end: &DumpEnd,
        lifetime: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update dumps
            set
                state = 'ready',
                files = $4,
                document_count = $5,
                chunk_count = $6,
                embedding_count = $7,
                size_bytes = $8,
                embedding_model = $9,
                embedding_dimensions = $10,
                format_version = $12,
                finished_at = now(),
                touched_at = now(),
                expires_at = now() + make_interval(secs => $11),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and dump_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            dump.dump_id,
            dump.token,
            end.files,
            end.counts.documents,
            end.counts.chunks,
            end.counts.embeddings,
            end.size_bytes,
            end.embedding_model,
            end.embedding_dimensions,
            lifetime.as_secs_f64(),
            end.format_version
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an attempt without success: the dump waits for the next one, or is given up for a reason. What was written of it is
    /// that of nobody, also when the dump is no longer ours. An attempt that was stopped from outside does not count.
    pub(in crate::knowledge) async fn end_dump_attempt(
        &mut self,
        dump: &ClaimedDump,
        reason: Option<(&str, &str)>,
        counts_as_attempt: bool,
        lifetime: Duration,
    ) -> db::Result<()> {
        let (code, detail) = reason.unzip();
        sqlx::query!(
            "update dumps
            set
                state = case when $4::text is null then 'queued' else 'failed' end,
                failure_code = $4,
                failure_detail = $5,
                attempts = attempts - case when $6 then 0 else 1 end,
                files_id = null,
                finished_at = case when $4::text is null then null else now() end,
                touched_at = now(),
                expires_at = case
                    when $4::text is null then expires_at
                    else now() + make_interval(secs => $7)
                end,
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and dump_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            dump.dump_id,
            dump.token,
            code,
            detail,
            counts_as_attempt,
            lifetime.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        self.leave_dump_files(dump.token).await
    }

    /// Gives up a dump that nobody works on; false when it is in somebody's hands.
    pub(in crate::knowledge) async fn abandon_dump(
        &mut self,
        dump_id: Uuid,
        code: &str,
        detail: &str,
        lifetime: Duration,
    ) -> db::Result<bool> {
        sqlx::query!(
            "update dumps
            set
                state = 'failed',
                failure_code = $3,
                failure_detail = $4,
                files_id = null,
                finished_at = now(),
                touched_at = now(),
                expires_at = now() + make_interval(secs => $5),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and dump_id = $2
                and state in ('queued', 'running')
                and (lease_expires_at is null or lease_expires_at <= now())",
            self.tenant().uuid(),
            dump_id,
            code,
            detail,
            lifetime.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        let is_over = sqlx::query_scalar!(
            r#"select not exists (
                select
                from dumps
                where tenant_id = $1
                    and dump_id = $2
                    and state in ('queued', 'running')
            ) as "is_over!""#,
            self.tenant().uuid(),
            dump_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_over)
    }

    /// Dumps that are not over, in nobody's hands and without a message, all of this for `lost_after`; at most so many. They
    /// count as touched now.
    pub async fn touch_lost_dumps(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with lost as materialized (
                select d.dump_id
                from dumps d
                where d.tenant_id = $1
                    and d.state in ('queued', 'running')
                    and greatest(d.touched_at, d.lease_expires_at) <= now() - make_interval(secs => $2)
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = d.tenant_id
                            and o.subject_id = d.dump_id
                    )
                order by d.dump_id
                limit $3
                for update skip locked
            )
            update dumps d
            set touched_at = now()
            from lost l
            where d.tenant_id = $1
                and d.dump_id = l.dump_id
            returning d.dump_id",
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}

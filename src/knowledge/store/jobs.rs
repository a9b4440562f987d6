//! Jobs of ingestion, as they are shown and steered: a version with its attempts is one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::knowledge::reach::Reach;

/// Latest attempts that are shown of a job.
const SHOWN_ATTEMPTS: i64 = 100;

/// One version on its way into search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The version.
    pub version_id: Uuid,
    /// Document that it is a version of.
    pub document_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Name of the document.
    pub name: String,
    /// Number within the document.
    pub number: i32,
    /// Where it stands.
    pub state: String,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// How often a worker began.
    pub attempts: i32,
    /// When the next attempt is due.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    pub ended_at: Option<DateTime<Utc>>,
}

/// One attempt of a worker.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Counts from 1 within the job.
    pub number: i32,
    /// Last stage that it reached.
    pub stage: String,
    /// Why it ended early.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// Milliseconds of reading.
    pub parse_ms: Option<i32>,
    /// Milliseconds of cutting.
    pub chunk_ms: Option<i32>,
    /// Milliseconds of embedding.
    pub embed_ms: Option<i32>,
    /// Milliseconds of writing.
    pub index_ms: Option<i32>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What is asked of a list of jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// In this state only.
    pub state: Option<&'static str>,
    /// Of this collection only.
    pub collection_id: Option<Uuid>,
    /// Of this document only.
    pub document_id: Option<Uuid>,
}

impl Job {
    /// Whether nothing more will happen by itself.
    pub fn is_over(&self) -> bool {
        !matches!(self.state.as_str(), "received" | "parsing" | "chunking" | "embedding")
    }
}

impl TenantTx {
    /// One job, when the collection of its document is within reach.
    pub async fn find_reached_job(
        &mut self,
        reach: &Reach,
        version_id: Uuid,
    ) -> db::Result<Option<Job>> {
        let job = self.find_job(version_id).await?;
        Ok(job.filter(|job| reach.holds(job.collection_id)))
    }

    /// One job.
    pub(in crate::knowledge) async fn find_job(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<Option<Job>> {
        Ok(sqlx::query_as!(
            Job,
            "select
                v.version_id,
                v.document_id,
                d.collection_id,
                d.name,
                v.number,
                v.state,
                v.failure_code,
                v.failure_detail,
                v.attempts,
                v.next_attempt_at,
                v.created_at,
                v.ended_at
            from document_versions v
            join documents d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
            where v.tenant_id = $1
                and v.version_id = $2",
            self.tenant().uuid(),
            version_id
        )
        .fetch_optional(self.connection())
        .await?)
    }

    /// Jobs, newest first.
    pub async fn list_jobs(
        &mut self,
        reach: &Reach,
        filter: &JobFilter,
        keyset: Keyset,
    ) -> db::Result<Page<Job>> {
        let rows = sqlx::query_as!(
            Job,
            "select
                v.version_id,
                v.document_id,
                d.collection_id,
                d.name,
                v.number,
                v.state,
                v.failure_code,
                v.failure_detail,
                v.attempts,
                v.next_attempt_at,
                v.created_at,
                v.ended_at
            from document_versions v
            join documents d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
            where v.tenant_id = $1
                and ($2::text is null or v.state = $2)
                and ($3::uuid is null or d.collection_id = $3)
                and ($4::uuid is null or v.document_id = $4)
                and ($5::uuid is null or v.version_id < $5)
                and case
                    -- Those of no conversation: version 8 marks the collections of attachments.
                    when $6::uuid[] is null then uuid_extract_version(d.collection_id) is distinct from 8
                    else d.collection_id = any($6)
                end
                and d.collection_id <> all($7)
            order by v.version_id desc
            limit $8",
            self.tenant().uuid(),
            filter.state,
            filter.collection_id,
            filter.document_id,
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |job| job.version_id))
    }

    /// The latest attempts of a job, oldest first.
    pub async fn list_attempts(&mut self, version_id: Uuid) -> db::Result<Vec<Attempt>> {
        let mut attempts = sqlx::query_as!(
            Attempt,
            "select
                number,
                stage,
                failure_code,
                failure_detail,
                parse_ms,
                chunk_ms,
                embed_ms,
                index_ms,
                started_at,
                ended_at
            from ingestion_attempts
            where tenant_id = $1
                and version_id = $2
            order by number desc
            limit $3",
            self.tenant().uuid(),
            version_id,
            SHOWN_ATTEMPTS
        )
        .fetch_all(self.connection())
        .await?;
        attempts.reverse();
        Ok(attempts)
    }

    /// Ends a job that is not over, and with it the attempt that goes on: its lease is gone, so that its worker stops at the
    /// next write and can publish nothing. False when it was over.
    pub(in crate::knowledge) async fn cancel_version(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<bool> {
        let attempts = sqlx::query_scalar!(
            "update document_versions
            set
                state = 'cancelled',
                lease_token = null,
                lease_expires_at = null,
                next_attempt_at = null,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and state in ('received', 'parsing', 'chunking', 'embedding')
            returning attempts",
            self.tenant().uuid(),
            version_id
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(attempts) = attempts else { return Ok(false) };
        self.end_open_attempts(version_id, attempts, "cancelled", "cancelled on request").await?;
        Ok(true)
    }

    /// Lets a job that failed or was cancelled begin again: its attempts stay, and the limit counts from here. False when it
    /// is neither.
    pub(in crate::knowledge) async fn reopen_version(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update document_versions
            set
                state = 'received',
                failure_code = null,
                failure_detail = null,
                attempts_before = attempts,
                lease_token = null,
                lease_expires_at = null,
                next_attempt_at = now(),
                ended_at = null
            where tenant_id = $1
                and version_id = $2
                and state in ('failed', 'cancelled')",
            self.tenant().uuid(),
            version_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets a job begin again that was given up because its message was set aside; false for one that ended otherwise.
    pub(in crate::knowledge) async fn reopen_given_up_version(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<bool> {
        let given_up = sqlx::query_scalar!(
            r#"select (state = 'failed' and failure_code = 'worker_lost') as "given_up!"
            from document_versions
            where tenant_id = $1
                and version_id = $2
            for update"#,
            self.tenant().uuid(),
            version_id
        )
        .fetch_optional(self.connection())
        .await?;
        if given_up != Some(true) {
            return Ok(false);
        }
        self.reopen_version(version_id).await
    }

    /// Gives up a job that is in nobody's hands; false when it is over, or somebody works on it or will when its next attempt
    /// is due.
    pub(in crate::knowledge) async fn abandon_version(
        &mut self,
        version_id: Uuid,
        code: &str,
        detail: &str,
    ) -> db::Result<bool> {
        let attempts = sqlx::query_scalar!(
            "update document_versions
            set
                state = 'failed',
                failure_code = $3,
                failure_detail = $4,
                lease_token = null,
                lease_expires_at = null,
                next_attempt_at = null,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and state in ('received', 'parsing', 'chunking', 'embedding')
                and (lease_expires_at is null or lease_expires_at <= now())
                and (next_attempt_at is null or next_attempt_at <= now())
            returning attempts",
            self.tenant().uuid(),
            version_id,
            code,
            detail
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(attempts) = attempts else { return Ok(false) };
        self.end_open_attempts(version_id, attempts, code, detail).await?;
        Ok(true)
    }

    /// Ends the attempts up to a number that nobody will end any more.
    pub(in crate::knowledge) async fn end_open_attempts(
        &mut self,
        version_id: Uuid,
        through: i32,
        code: &str,
        detail: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update ingestion_attempts
            set
                failure_code = $4,
                failure_detail = $5,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and number <= $3
                and ended_at is null",
            self.tenant().uuid(),
            version_id,
            through,
            code,
            detail
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Versions that are not at their end, in nobody's hands and without a message, each since `lost_after`. They count as
    /// waiting from now on, so that whoever looks next does not find them again.
    pub async fn touch_lost_versions(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with lost as materialized (
                select v.version_id
                from document_versions v
                where v.tenant_id = $1
                    and v.state in ('received', 'parsing', 'chunking', 'embedding')
                    and greatest(v.created_at, v.next_attempt_at, v.lease_expires_at) <= now() - make_interval(secs => $2)
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = v.tenant_id
                            and o.subject_id = v.version_id
                    )
                order by v.version_id
                limit $3
                for update skip locked
            )
            update document_versions v
            set next_attempt_at = now()
            from lost l
            where v.tenant_id = $1
                and v.version_id = l.version_id
            returning v.version_id",
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}

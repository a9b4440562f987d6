//! The state machine of a version: claim, advance, fail. Every write is fenced by the lease's token, so that a worker
//! that was taken for dead changes nothing when it comes back.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// A version in the hands of a worker.
#[derive(Clone, Debug)]
pub struct ClaimedVersion {
    /// Id.
    pub version_id: Uuid,
    /// Document that it is a version of.
    pub document_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Number within the document.
    pub number: i32,
    /// Name of the document.
    pub name: String,
    /// What the bytes are.
    pub media_type: String,
    /// Attempt that the claim began.
    pub attempt: i32,
    /// Attempts before the job was last asked for again, which do not count.
    pub attempts_before: i32,
    /// Version whose bytes it reads; its own when absent.
    pub original_version_id: Option<Uuid>,
}

/// Outcome of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// It is ours.
    Held(ClaimedVersion),
    /// Another worker has it.
    Busy,
    /// Deleted, or done already: nothing is left to do.
    Nothing,
}

/// Milliseconds of each stage that an attempt came to the end of.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Reading.
    pub parse_ms: Option<i32>,
    /// Cutting.
    pub chunk_ms: Option<i32>,
    /// Embedding.
    pub embed_ms: Option<i32>,
    /// Writing.
    pub index_ms: Option<i32>,
}

/// How an attempt ended without success.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt<'a> {
    /// For programs.
    pub code: &'a str,
    /// What a person can do about it.
    pub detail: &'a str,
    /// When it is tried again; given up for good when absent.
    pub again_after: Option<Duration>,
    /// How long its stages took.
    pub times: StageTimes,
}

impl TenantTx {
    /// Takes a version that waits or whose worker's lease has ended, and begins an attempt.
    pub(in crate::knowledge) async fn claim_version(
        &mut self,
        version_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim> {
        let tenant = self.tenant().uuid();
        let claimed = sqlx::query_as!(
            ClaimedVersion,
            "update document_versions v
            set
                state = 'parsing',
                attempts = v.attempts + 1,
                next_attempt_at = null,
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            from documents d
            where v.tenant_id = $1
                and v.version_id = $2
                and v.state in ('received', 'parsing', 'chunking', 'embedding')
                and (v.lease_expires_at is null or v.lease_expires_at <= now())
                and d.tenant_id = v.tenant_id
                and d.document_id = v.document_id
            returning
                v.version_id,
                v.document_id,
                d.collection_id,
                v.number,
                d.name,
                v.media_type,
                v.attempts as attempt,
                v.attempts_before,
                v.original_version_id",
            tenant,
            version_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(version) = claimed {
            // The worker before has not ended its attempt, and can not do so any more.
            let (before, lost) = (version.attempt - 1, "the worker stopped in the middle");
            self.end_open_attempts(version_id, before, "worker_lost", lost).await?;
            sqlx::query!(
                "insert into ingestion_attempts (tenant_id, version_id, number, stage)
                values ($1, $2, $3, 'parsing')",
                tenant,
                version_id,
                version.attempt
            )
            .execute(self.connection())
            .await?;
            return Ok(Claim::Held(version));
        }
        let waiting = sqlx::query_scalar!(
            r#"select exists(
                select
                from document_versions
                where tenant_id = $1
                    and version_id = $2
                    and state in ('received', 'parsing', 'chunking', 'embedding')
            ) as "exists!""#,
            tenant,
            version_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(if waiting { Claim::Busy } else { Claim::Nothing })
    }

    /// Moves to the next state and renews the lease; false when the lease was lost.
    pub(in crate::knowledge) async fn advance_version(
        &mut self,
        version: &ClaimedVersion,
        token: Uuid,
        state: &str,
        lease: Duration,
        times: StageTimes,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update document_versions
            set
                state = $4,
                lease_expires_at = now() + make_interval(secs => $5)
            where tenant_id = $1
                and version_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            version.version_id,
            token,
            state,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "update ingestion_attempts
            set
                stage = $4,
                parse_ms = $5,
                chunk_ms = $6
            where tenant_id = $1
                and version_id = $2
                and number = $3",
            self.tenant().uuid(),
            version.version_id,
            version.attempt,
            state,
            times.parse_ms,
            times.chunk_ms
        )
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Ends an attempt without success: the version waits for the next one, or is given up. False, and
    /// nothing changes, when the lease was lost.
    pub(in crate::knowledge) async fn fail_attempt(
        &mut self,
        version: &ClaimedVersion,
        token: Uuid,
        failed: FailedAttempt<'_>,
    ) -> db::Result<bool> {
        let FailedAttempt { code, detail, again_after, times } = failed;
        let done = sqlx::query!(
            "update document_versions
            set
                state = case when $6::float8 is null then 'failed' else 'received' end,
                failure_code = case when $6::float8 is null then $4 end,
                failure_detail = case when $6::float8 is null then $5 end,
                next_attempt_at = now() + make_interval(secs => $6::float8),
                ended_at = case when $6::float8 is null then now() end,
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and version_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            version.version_id,
            token,
            code,
            detail,
            again_after.map(|delay| delay.as_secs_f64()) as Option<f64>
        )
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "update ingestion_attempts
            set
                failure_code = $4,
                failure_detail = $5,
                parse_ms = $6,
                chunk_ms = $7,
                embed_ms = $8,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and number = $3",
            self.tenant().uuid(),
            version.version_id,
            version.attempt,
            code,
            detail,
            times.parse_ms,
            times.chunk_ms,
            times.embed_ms
        )
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Ends an attempt with success.
    pub(in crate::knowledge) async fn finish_attempt(
        &mut self,
        version: &ClaimedVersion,
        times: StageTimes,
    ) -> db::Result<()> {
        sqlx::query!(
            "update ingestion_attempts
            set
                stage = 'ready',
                parse_ms = $4,
                chunk_ms = $5,
                embed_ms = $6,
                index_ms = $7,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and number = $3",
            self.tenant().uuid(),
            version.version_id,
            version.attempt,
            times.parse_ms,
            times.chunk_ms,
            times.embed_ms,
            times.index_ms
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

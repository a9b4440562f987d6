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

/// Milliseconds of each stage.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Reading.
    pub parse_ms: i32,
    /// Cutting.
    pub chunk_ms: i32,
    /// Embedding.
    pub embed_ms: i32,
    /// Writing.
    pub index_ms: i32,
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
                v.attempts as attempt",
            tenant,
            version_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(version) = claimed {
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
        sqlx::query!(
            "update ingestion_attempts
            set stage = $4
            where tenant_id = $1
                and version_id = $2
                and number = $3",
            self.tenant().uuid(),
            version.version_id,
            version.attempt,
            state
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an attempt without success: for good when `give_up`, else the version waits for the next one.
    pub(in crate::knowledge) async fn fail_attempt(
        &mut self,
        version: &ClaimedVersion,
        token: Uuid,
        code: &str,
        detail: &str,
        give_up: bool,
    ) -> db::Result<()> {
        sqlx::query!(
            "update document_versions
            set
                state = case when $6 then 'failed' else 'received' end,
                failure_code = case when $6 then $4 end,
                failure_detail = case when $6 then $5 end,
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
            give_up
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "update ingestion_attempts
            set
                failure_code = $4,
                failure_detail = $5,
                ended_at = now()
            where tenant_id = $1
                and version_id = $2
                and number = $3",
            self.tenant().uuid(),
            version.version_id,
            version.attempt,
            code,
            detail
        )
        .execute(self.connection())
        .await?;
        Ok(())
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

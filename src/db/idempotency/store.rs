//! SQL of the tables `idempotency_keys` and `operator_idempotency_keys`.

use std::time::Duration;

use uuid::Uuid;

use super::{Claim, Kept, Outcome};
use crate::db::{Result, SystemTx, TenantTx};

/// Digest of the request, and what became of it.
type Found = (Vec<u8>, Kept);

impl TenantTx {
    /// Takes the lock of a key until the transaction ends; false when another one has it.
    pub(super) async fn try_lock_key(&mut self, name: &str) -> Result<bool> {
        let is_ours = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "is_ours!""#,
            name
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_ours)
    }

    /// What became of the request under a key.
    pub(super) async fn find_outcome(
        &mut self,
        principal_id: Uuid,
        key: &str,
    ) -> Result<Option<Found>> {
        let found = sqlx::query!(
            "select
                request_sha256,
                status,
                body,
                secret_of,
                run_id,
                created_at
            from idempotency_keys
            where tenant_id = $1
                and principal_id = $2
                and key = $3
                and expires_at > now()",
            self.tenant().uuid(),
            principal_id,
            key
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.map(|row| {
            let outcome = Outcome {
                status: status(row.status),
                body: row.body,
                secret_of: row.secret_of,
                run_id: row.run_id,
            };
            (row.request_sha256, Kept { outcome, at: row.created_at })
        }))
    }

    /// The same of a request of the operator.
    pub(super) async fn find_operator_outcome(
        &mut self,
        operator_key_id: Uuid,
        key: &str,
    ) -> Result<Option<Found>> {
        let found = sqlx::query!(
            "select
                request_sha256,
                status,
                body,
                secret_of,
                created_at
            from operator_idempotency_keys
            where operator_key_id = $1
                and key = $2
                and expires_at > now()",
            operator_key_id,
            key
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.map(|row| {
            let outcome = Outcome {
                status: status(row.status),
                body: row.body,
                secret_of: row.secret_of,
                run_id: None,
            };
            (row.request_sha256, Kept { outcome, at: row.created_at })
        }))
    }

    /// Keeps an outcome, in the place of one that is over; false when there is one that is not.
    pub(super) async fn insert_outcome(
        &mut self,
        principal_id: Uuid,
        claim: &Claim,
        outcome: &Outcome,
    ) -> Result<bool> {
        let inserted = sqlx::query!(
            "insert into idempotency_keys as k (
                tenant_id,
                principal_id,
                key,
                request_sha256,
                status,
                body,
                secret_of,
                run_id,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
            on conflict (tenant_id, principal_id, key) do update
            set
                request_sha256 = excluded.request_sha256,
                status = excluded.status,
                body = excluded.body,
                secret_of = excluded.secret_of,
                run_id = excluded.run_id,
                created_at = excluded.created_at,
                expires_at = excluded.expires_at
            where k.expires_at <= now()",
            self.tenant().uuid(),
            principal_id,
            claim.key,
            claim.request_sha256.as_slice(),
            i32::from(outcome.status),
            outcome.body,
            outcome.secret_of,
            outcome.run_id,
            seconds(claim.lifetime)
        )
        .execute(self.connection())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// The same for a request of the operator.
    pub(super) async fn insert_operator_outcome(
        &mut self,
        operator_key_id: Uuid,
        claim: &Claim,
        outcome: &Outcome,
    ) -> Result<bool> {
        let inserted = sqlx::query!(
            "insert into operator_idempotency_keys as k (
                operator_key_id,
                key,
                request_sha256,
                status,
                body,
                secret_of,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
            on conflict (operator_key_id, key) do update
            set
                request_sha256 = excluded.request_sha256,
                status = excluded.status,
                body = excluded.body,
                secret_of = excluded.secret_of,
                created_at = excluded.created_at,
                expires_at = excluded.expires_at
            where k.expires_at <= now()",
            operator_key_id,
            claim.key,
            claim.request_sha256.as_slice(),
            i32::from(outcome.status),
            outcome.body,
            outcome.secret_of,
            seconds(claim.lifetime)
        )
        .execute(self.connection())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Removes the tenant's outcomes that are over; how many there were.
    pub async fn sweep_outcomes(&mut self) -> Result<u64> {
        let swept = sqlx::query!(
            "delete from idempotency_keys
            where tenant_id = $1
                and expires_at <= now()",
            self.tenant().uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(swept.rows_affected())
    }
}

impl SystemTx {
    /// Removes the operator's outcomes that are over; how many there were.
    pub async fn sweep_operator_outcomes(&mut self) -> Result<u64> {
        let swept = sqlx::query!("delete from operator_idempotency_keys where expires_at <= now()")
            .execute(self.connection())
            .await?;
        Ok(swept.rows_affected())
    }
}

/// As it was written; nothing else is ever stored.
fn status(number: i32) -> u16 {
    u16::try_from(number).unwrap_or_default()
}

fn seconds(lifetime: Duration) -> f64 {
    lifetime.as_secs_f64()
}

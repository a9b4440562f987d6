//! Rows of `operator_keys`, which belong to no tenant.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, SystemTx};

/// A key of the operator without its secret.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    /// Id, part of the key's text.
    pub operator_key_id: Uuid,
    /// Who or what it is for.
    pub name: String,
    /// Last four characters of the secret.
    pub hint: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From then on it is refused.
    pub expires_at: DateTime<Utc>,
    /// Since when it is refused.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl SystemTx {
    /// The key and the digest of its secret.
    pub(in crate::identity) async fn find_operator_key_secret(
        &mut self,
        operator_key_id: Uuid,
    ) -> db::Result<Option<(OperatorKey, Vec<u8>)>> {
        let found = sqlx::query!(
            "select
                operator_key_id,
                name,
                hint,
                created_at,
                expires_at,
                revoked_at,
                last_used_at,
                secret_sha256
            from operator_keys
            where operator_key_id = $1",
            operator_key_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.map(|row| {
            let key = OperatorKey {
                operator_key_id: row.operator_key_id,
                name: row.name,
                hint: row.hint,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
                last_used_at: row.last_used_at,
            };
            (key, row.secret_sha256)
        }))
    }

    /// All keys of the operator, newest first.
    pub async fn list_operator_keys(&mut self) -> db::Result<Vec<OperatorKey>> {
        let keys = sqlx::query_as!(
            OperatorKey,
            "select
                operator_key_id,
                name,
                hint,
                created_at,
                expires_at,
                revoked_at,
                last_used_at
            from operator_keys
            order by operator_key_id desc"
        )
        .fetch_all(self.connection())
        .await?;
        Ok(keys)
    }

    /// Stores a new key.
    pub(in crate::identity) async fn insert_operator_key(
        &mut self,
        key: &OperatorKey,
        secret_sha256: &[u8],
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into operator_keys (
                operator_key_id,
                name,
                secret_sha256,
                hint,
                created_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6)",
            key.operator_key_id,
            key.name,
            secret_sha256,
            key.hint,
            key.created_at,
            key.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a key back; whether there is such a key. Doing it again changes nothing.
    pub async fn revoke_operator_key(&mut self, operator_key_id: Uuid) -> db::Result<bool> {
        let done = sqlx::query!(
            "update operator_keys
            set revoked_at = coalesce(revoked_at, now())
            where operator_key_id = $1",
            operator_key_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes a use, at most once a minute.
    pub(in crate::identity) async fn note_operator_key_use(
        &mut self,
        operator_key_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update operator_keys
            set last_used_at = now()
            where operator_key_id = $1
                and (last_used_at is null or last_used_at < now() - interval '1 minute')",
            operator_key_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

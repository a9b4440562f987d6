//! Rows of `api_keys`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::identity::policy::{Role, Scope};

/// An API key without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Id, part of the key's text.
    pub api_key_id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What the role is narrowed to.
    pub scopes: Vec<Scope>,
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

struct ApiKeyRow {
    api_key_id: Uuid,
    name: String,
    role: String,
    scopes: Vec<String>,
    hint: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = db::Error;

    fn try_from(row: ApiKeyRow) -> Result<Self, db::Error> {
        let ApiKeyRow {
            api_key_id,
            name,
            role,
            scopes,
            hint,
            created_at,
            expires_at,
            revoked_at,
            last_used_at,
        } = row;
        let inconsistent = |error: crate::identity::policy::UnknownName| db::Error::Inconsistent {
            table: "api_keys",
            detail: format!("{api_key_id}: {error}"),
        };
        let role = role.parse().map_err(inconsistent)?;
        let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|scope| scope.parse()).collect();
        Ok(Self {
            api_key_id,
            name,
            role,
            scopes: scopes.map_err(inconsistent)?,
            hint,
            created_at,
            expires_at,
            revoked_at,
            last_used_at,
        })
    }
}

impl TenantTx {
    /// The key and the digest of its secret.
    pub(in crate::identity) async fn find_api_key_secret(
        &mut self,
        api_key_id: Uuid,
    ) -> db::Result<Option<(ApiKey, Vec<u8>)>> {
        let Some(key) = self.find_api_key(api_key_id).await? else { return Ok(None) };
        let secret = sqlx::query_scalar!(
            "select secret_sha256
            from api_keys
            where tenant_id = $1
                and api_key_id = $2",
            self.tenant().uuid(),
            api_key_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Some((key, secret)))
    }

    /// One key.
    pub async fn find_api_key(&mut self, api_key_id: Uuid) -> db::Result<Option<ApiKey>> {
        sqlx::query_as!(
            ApiKeyRow,
            "select
                api_key_id,
                name,
                role,
                scopes,
                hint,
                created_at,
                expires_at,
                revoked_at,
                last_used_at
            from api_keys
            where tenant_id = $1
                and api_key_id = $2",
            self.tenant().uuid(),
            api_key_id
        )
        .fetch_optional(self.connection())
        .await?
        .map(ApiKey::try_from)
        .transpose()
    }

    /// Keys, newest first.
    pub async fn list_api_keys(&mut self, keyset: Keyset) -> db::Result<Page<ApiKey>> {
        let rows = sqlx::query_as!(
            ApiKeyRow,
            "select
                api_key_id,
                name,
                role,
                scopes,
                hint,
                created_at,
                expires_at,
                revoked_at,
                last_used_at
            from api_keys
            where tenant_id = $1
                and ($2::uuid is null or api_key_id < $2)
            order by api_key_id desc
            limit $3",
            self.tenant().uuid(),
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        let keys: db::Result<Vec<ApiKey>> = rows.into_iter().map(ApiKey::try_from).collect();
        Ok(Page::new(keys?, keyset, |key| key.api_key_id))
    }

    /// Stores a new key.
    pub(in crate::identity) async fn insert_api_key(
        &mut self,
        key: &ApiKey,
        secret_sha256: &[u8],
        created_by: Option<Uuid>,
    ) -> db::Result<()> {
        let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
        sqlx::query!(
            "insert into api_keys (
                tenant_id,
                api_key_id,
                name,
                role,
                scopes,
                secret_sha256,
                hint,
                created_by,
                created_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.tenant().uuid(),
            key.api_key_id,
            key.name,
            key.role.to_string(),
            &scopes,
            secret_sha256,
            key.hint,
            created_by,
            key.created_at,
            key.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a key back. Doing it again changes nothing.
    pub async fn revoke_api_key(&mut self, api_key_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "update api_keys
            set revoked_at = coalesce(revoked_at, now())
            where tenant_id = $1
                and api_key_id = $2",
            self.tenant().uuid(),
            api_key_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes a use, at most once a minute.
    pub(in crate::identity) async fn note_api_key_use(
        &mut self,
        api_key_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update api_keys
            set last_used_at = now()
            where tenant_id = $1
                and api_key_id = $2
                and (last_used_at is null or last_used_at < now() - interval '1 minute')",
            self.tenant().uuid(),
            api_key_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

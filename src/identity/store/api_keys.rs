//! Rows of `api_keys`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantRead, TenantTx};
use crate::identity::credential::KeyKind;
use crate::identity::policy::{Role, Scope};

/// An API key without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Id, part of the key's text.
    pub api_key_id: Uuid,
    /// What it is for.
    pub name: String,
    /// Whether it may stand in a web page.
    pub kind: KeyKind,
    /// What it may do.
    pub role: Role,
    /// What the role is narrowed to.
    pub scopes: Vec<Scope>,
    /// Collections that it reaches; empty for those open to the whole tenant.
    pub collection_ids: Vec<Uuid>,
    /// Ranges of addresses that it may be used from; empty for any.
    pub allowed_addresses: Vec<String>,
    /// Web origins that a publishable key may be used from.
    pub allowed_origins: Vec<String>,
    /// Key that this one replaces.
    pub rotated_from: Option<Uuid>,
    /// Person or key that made it; none when the operator did.
    pub created_by: Option<Uuid>,
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

impl ApiKey {
    /// Whether it is refused by now, for good.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_some() || self.expires_at <= now
    }
}

struct ApiKeyRow {
    api_key_id: Uuid,
    name: String,
    kind: String,
    role: String,
    scopes: Vec<String>,
    collection_ids: Vec<Uuid>,
    allowed_addresses: Vec<String>,
    allowed_origins: Vec<String>,
    rotated_from: Option<Uuid>,
    created_by: Option<Uuid>,
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
            kind,
            role,
            scopes,
            collection_ids,
            allowed_addresses,
            allowed_origins,
            rotated_from,
            created_by,
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
        let kind =
            KeyKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(|| {
                db::Error::Inconsistent {
                    table: "api_keys",
                    detail: format!("{api_key_id}: \"{kind}\" is no kind of key"),
                }
            })?;
        let role = role.parse().map_err(inconsistent)?;
        let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|scope| scope.parse()).collect();
        Ok(Self {
            api_key_id,
            name,
            kind,
            role,
            scopes: scopes.map_err(inconsistent)?,
            collection_ids,
            allowed_addresses,
            allowed_origins,
            rotated_from,
            created_by,
            hint,
            created_at,
            expires_at,
            revoked_at,
            last_used_at,
        })
    }
}

/// A key with what decides whether its holder is let in.
#[derive(Clone, Debug)]
pub struct KeyToVerify {
    /// The key.
    pub key: ApiKey,
    /// Digest of its secret.
    pub secret_sha256: Vec<u8>,
    /// Whether the operator keeps everybody of the tenant out.
    pub is_tenant_suspended: bool,
    /// Web origins of the tenant.
    pub tenant_origins: Vec<String>,
}

impl TenantRead {
    /// A key as its holder is verified by.
    pub(in crate::identity) async fn key_to_verify(
        mut self,
        api_key_id: Uuid,
    ) -> db::Result<Option<KeyToVerify>> {
        let row = sqlx::query!(
            "with tenant as materialized (
                select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
            )
            select found.*
            from tenant t
            cross join lateral (
                select
                    k.name,
                    k.kind,
                    k.role,
                    k.scopes,
                    k.collection_ids,
                    k.allowed_addresses,
                    k.allowed_origins,
                    k.rotated_from,
                    k.created_by,
                    k.hint,
                    k.created_at,
                    k.expires_at,
                    k.revoked_at,
                    k.last_used_at,
                    k.secret_sha256,
                    n.state as tenant_state,
                    n.allowed_origins as tenant_origins
                from api_keys k
                join tenants n on n.tenant_id = k.tenant_id
                where k.tenant_id = t.tenant_id
                    and k.api_key_id = $2
                offset 0
            ) found",
            self.tenant().uuid(),
            api_key_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.done();
        let Some(row) = row else { return Ok(None) };
        let key = ApiKeyRow {
            api_key_id,
            name: row.name,
            kind: row.kind,
            role: row.role,
            scopes: row.scopes,
            collection_ids: row.collection_ids,
            allowed_addresses: row.allowed_addresses,
            allowed_origins: row.allowed_origins,
            rotated_from: row.rotated_from,
            created_by: row.created_by,
            hint: row.hint,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        };
        Ok(Some(KeyToVerify {
            key: key.try_into()?,
            secret_sha256: row.secret_sha256,
            is_tenant_suspended: row.tenant_state != "active",
            tenant_origins: row.tenant_origins,
        }))
    }
}

impl TenantTx {
    /// One key, which nobody else changes until the end of the transaction.
    pub(in crate::identity) async fn lock_api_key(
        &mut self,
        api_key_id: Uuid,
    ) -> db::Result<Option<ApiKey>> {
        sqlx::query!(
            "select api_key_id
            from api_keys
            where tenant_id = $1
                and api_key_id = $2
            for update",
            self.tenant().uuid(),
            api_key_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.find_api_key(api_key_id).await
    }

    /// One key.
    pub async fn find_api_key(&mut self, api_key_id: Uuid) -> db::Result<Option<ApiKey>> {
        sqlx::query_as!(
            ApiKeyRow,
            "select
                api_key_id,
                name,
                kind,
                role,
                scopes,
                collection_ids,
                allowed_addresses,
                allowed_origins,
                rotated_from,
                created_by,
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

    /// Keys, newest first; those that one person or key made where it is named.
    pub async fn list_api_keys(
        &mut self,
        created_by: Option<Uuid>,
        keyset: Keyset,
    ) -> db::Result<Page<ApiKey>> {
        let rows = sqlx::query_as!(
            ApiKeyRow,
            "select
                api_key_id,
                name,
                kind,
                role,
                scopes,
                collection_ids,
                allowed_addresses,
                allowed_origins,
                rotated_from,
                created_by,
                hint,
                created_at,
                expires_at,
                revoked_at,
                last_used_at
            from api_keys
            where tenant_id = $1
                and ($2::uuid is null or api_key_id < $2)
                and ($3::uuid is null or created_by = $3)
            order by api_key_id desc
            limit $4",
            self.tenant().uuid(),
            keyset.after,
            created_by,
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
                expires_at,
                kind,
                collection_ids,
                allowed_addresses,
                allowed_origins,
                rotated_from
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            self.tenant().uuid(),
            key.api_key_id,
            key.name,
            key.role.to_string(),
            &scopes,
            secret_sha256,
            key.hint,
            key.created_by,
            key.created_at,
            key.expires_at,
            key.kind.name(),
            &key.collection_ids,
            &key.allowed_addresses,
            &key.allowed_origins,
            key.rotated_from
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what can be changed of a key: name, collections, addresses, origins, end.
    pub(in crate::identity) async fn update_api_key(&mut self, key: &ApiKey) -> db::Result<()> {
        sqlx::query!(
            "update api_keys
            set
                name = $3,
                collection_ids = $4,
                allowed_addresses = $5,
                allowed_origins = $6,
                expires_at = $7
            where tenant_id = $1
                and api_key_id = $2",
            self.tenant().uuid(),
            key.api_key_id,
            key.name,
            &key.collection_ids,
            &key.allowed_addresses,
            &key.allowed_origins,
            key.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Number of keys that are good. Until the end of the transaction nobody else who counts first makes one.
    pub(in crate::identity) async fn count_live_api_keys(&mut self) -> db::Result<i64> {
        let tenant = self.tenant().uuid();
        sqlx::query!(
            "select tenant_id
            from tenants
            where tenant_id = $1
            for no key update",
            tenant
        )
        .fetch_one(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            "select count(*) as \"count!\"
            from api_keys
            where tenant_id = $1
                and revoked_at is null
                and expires_at > now()",
            tenant
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// How many of these collections there are; those of attachments, which have no name, do not count.
    pub(in crate::identity) async fn count_named_collections(
        &mut self,
        collection_ids: &[Uuid],
    ) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            "select count(*) as \"count!\"
            from collections
            where tenant_id = $1
                and collection_id = any ($2)
                and name is not null",
            self.tenant().uuid(),
            collection_ids
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
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

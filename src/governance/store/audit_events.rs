//! Rows of `audit_events`, read: lists for people, and the chain as it is stored for who verifies it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::audit::AuditFields;
use crate::db::{self, Db, TenantTx};
use crate::kernel::ids::TenantId;

/// An entry with its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// What it tells, and what its digest covers.
    pub fields: AuditFields,
    /// Digest of the entry before.
    pub previous_sha256: Vec<u8>,
    /// Digest of this one.
    pub sha256: Vec<u8>,
}

/// Which entries are wanted; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By this key or person.
    pub actor_id: Option<Uuid>,
    /// Of this kind, e.g. `document.deleted`.
    pub action: Option<String>,
    /// Done to things of this noun.
    pub target_kind: Option<String>,
    /// Done to the thing of this id.
    pub target_id: Option<String>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

/// The end of a tenant's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Number of the last entry, which is the number of entries.
    pub sequence: i64,
    /// Its digest.
    pub sha256: Vec<u8>,
}

struct Row {
    tenant_id: Uuid,
    sequence: i64,
    occurred_at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: String,
    action: String,
    target_kind: Option<String>,
    target_id: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    request_id: Option<String>,
    address: Option<String>,
    previous_sha256: Vec<u8>,
    sha256: Vec<u8>,
}

impl From<Row> for AuditEvent {
    fn from(row: Row) -> Self {
        Self {
            fields: AuditFields {
                tenant_id: row.tenant_id,
                sequence: row.sequence,
                occurred_at: row.occurred_at,
                actor_kind: row.actor_kind,
                actor_id: row.actor_id,
                actor_name: row.actor_name,
                action: row.action,
                target_kind: row.target_kind,
                target_id: row.target_id,
                before: row.before,
                after: row.after,
                request_id: row.request_id,
                address: row.address,
            },
            previous_sha256: row.previous_sha256,
            sha256: row.sha256,
        }
    }
}

impl TenantTx {
    /// Entries before a number, newest first; the newest of all when no number is given.
    pub(in crate::governance) async fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        before: Option<i64>,
        rows: i64,
    ) -> db::Result<Vec<AuditEvent>> {
        let found = sqlx::query_as!(
            Row,
            "select
                tenant_id,
                sequence,
                occurred_at,
                actor_kind,
                actor_id,
                actor_name,
                action,
                target_kind,
                target_id,
                before,
                after,
                request_id,
                address,
                previous_sha256,
                sha256
            from audit_events
            where tenant_id = $1
                and ($2::bigint is null or sequence < $2)
                and ($3::uuid is null or actor_id = $3)
                and ($4::text is null or action = $4)
                and ($5::text is null or target_kind = $5)
                and ($6::text is null or target_id = $6)
                and ($7::timestamptz is null or occurred_at >= $7)
                and ($8::timestamptz is null or occurred_at < $8)
            order by sequence desc
            limit $9",
            self.tenant().uuid(),
            before,
            filter.actor_id,
            filter.action.as_deref(),
            filter.target_kind.as_deref(),
            filter.target_id.as_deref(),
            filter.since,
            filter.until,
            rows
        )
        .fetch_all(self.connection())
        .await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// Entries after a number, oldest first, as they are stored.
    pub(in crate::governance) async fn list_audit_chain(
        &mut self,
        after: i64,
        rows: i64,
    ) -> db::Result<Vec<AuditEvent>> {
        let found = sqlx::query_as!(
            Row,
            "select
                tenant_id,
                sequence,
                occurred_at,
                actor_kind,
                actor_id,
                actor_name,
                action,
                target_kind,
                target_id,
                before,
                after,
                request_id,
                address,
                previous_sha256,
                sha256
            from audit_events
            where tenant_id = $1
                and sequence > $2
            order by sequence
            limit $3",
            self.tenant().uuid(),
            after,
            rows
        )
        .fetch_all(self.connection())
        .await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// What the log's end should be; `None` before the first entry.
    pub(in crate::governance) async fn find_audit_head(&mut self) -> db::Result<Option<AuditHead>> {
        let head = sqlx::query_as!(
            AuditHead,
            "select
                sequence,
                sha256
            from audit_heads
            where tenant_id = $1",
            self.tenant().uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(head)
    }

    /// Whether an actor's reading of a thing was noted since a time.
    pub(in crate::governance) async fn has_noted_reading(
        &mut self,
        actor_id: Uuid,
        target_kind: &str,
        target_id: &str,
        since: DateTime<Utc>,
    ) -> db::Result<bool> {
        let noted = sqlx::query_scalar!(
            r#"select exists (
                select
                from audit_events
                where tenant_id = $1
                    and action = 'conversation.read'
                    and actor_id = $2
                    and target_kind = $3
                    and target_id = $4
                    and occurred_at >= $5
            ) as "noted!""#,
            self.tenant().uuid(),
            actor_id,
            target_kind,
            target_id,
            since
        )
        .fetch_one(self.connection())
        .await?;
        Ok(noted)
    }
}

/// Part of a chain and its end, both as of one moment.
pub(in crate::governance) async fn read_chain(
    db: &Db,
    tenant: TenantId,
    after: i64,
    rows: i64,
) -> db::Result<(Vec<AuditEvent>, Option<AuditHead>)> {
    let mut tx = db.tenant_snapshot(tenant).await?;
    Ok((tx.list_audit_chain(after, rows).await?, tx.find_audit_head().await?))
}

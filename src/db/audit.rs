//! The audit log: entries that the service can add and never change, each holding the digest of the one before.
//!
//! Written in the transaction of what it tells of, so that neither is there without the other. Reading and verifying is
//! governance's business; the digest is computed here alone.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Result, TenantTx};
use crate::kernel::canonical::canonical_json;
use crate::kernel::clock;

/// Digest in front of the first entry.
pub const FIRST: [u8; 32] = [0; 32];

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditActor {
    /// `api_key`, `member`, `end_user`, `operator` or `system`.
    pub kind: &'static str,
    /// Key or person; absent for the system.
    pub id: Option<Uuid>,
    /// Name at that time.
    pub name: String,
}

impl AuditActor {
    /// The service itself, or a command of the operator on the machine.
    pub fn system(name: &str) -> Self {
        Self { kind: "system", id: None, name: name.to_owned() }
    }
}

/// What is to be noted. `before` and `after` hold what changed, never a secret, and no fractional numbers: these two are
/// what a digest must be able to write in one way only.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Who.
    pub actor: AuditActor,
    /// What, e.g. `api_key.created`.
    pub action: &'static str,
    /// Noun and id of what it was done to.
    pub target: Option<(&'static str, String)>,
    /// What was there.
    pub before: Option<Value>,
    /// What is there now.
    pub after: Option<Value>,
    /// Request that did it.
    pub request_id: Option<String>,
    /// Address that it came from.
    pub address: Option<String>,
}

impl AuditEntry {
    /// An entry that names no target and no change yet.
    pub fn new(actor: AuditActor, action: &'static str) -> Self {
        Self {
            actor,
            action,
            target: None,
            before: None,
            after: None,
            request_id: None,
            address: None,
        }
    }

    /// What it was done to.
    #[must_use]
    pub fn on(self, noun: &'static str, id: impl ToString) -> Self {
        Self { target: Some((noun, id.to_string())), ..self }
    }

    /// What was there.
    #[must_use]
    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// What is there now.
    #[must_use]
    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }
}

/// The fields of an entry that its digest covers, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditFields {
    /// Tenant.
    pub tenant_id: Uuid,
    /// Number within the tenant, from 1.
    pub sequence: i64,
    /// When, to the microsecond.
    pub occurred_at: DateTime<Utc>,
    /// Kind of the actor.
    pub actor_kind: String,
    /// The actor.
    pub actor_id: Option<Uuid>,
    /// Name of the actor.
    pub actor_name: String,
    /// What was done.
    pub action: String,
    /// Noun of the target.
    pub target_kind: Option<String>,
    /// Id of the target.
    pub target_id: Option<String>,
    /// What was there.
    pub before: Option<Value>,
    /// What is there now.
    pub after: Option<Value>,
    /// Request.
    pub request_id: Option<String>,
    /// Address.
    pub address: Option<String>,
}

impl AuditFields {
    /// SHA-256 over the digest of the entry before and each field: its length in bytes (8, big-endian) and its text;
    /// an absent one is the length 2^64 - 1 alone, so that no two entries are written alike.
    pub fn sha256(&self, previous: &[u8]) -> [u8; 32] {
        let text = |value: &Option<Uuid>| value.map(|id| id.to_string());
        let json = |value: &Option<Value>| value.as_ref().map(canonical_json);
        let fields = [
            Some(self.tenant_id.to_string()),
            Some(self.sequence.to_string()),
            Some(self.occurred_at.timestamp_micros().to_string()),
            Some(self.actor_kind.clone()),
            text(&self.actor_id),
            Some(self.actor_name.clone()),
            Some(self.action.clone()),
            self.target_kind.clone(),
            self.target_id.clone(),
            json(&self.before),
            json(&self.after),
            self.request_id.clone(),
            self.address.clone(),
        ];
        let mut digest = Sha256::new_with_prefix(previous);
        for field in fields {
            match field {
                Some(field) => {
                    digest.update((field.len() as u64).to_be_bytes());
                    digest.update(field.as_bytes());
                }
                None => digest.update(u64::MAX.to_be_bytes()),
            }
        }
        digest.finalize().into()
    }
}

impl TenantTx {
    /// Adds an entry to the log of the transaction's tenant. Entries of one tenant wait for one another until commit.
    pub async fn append_audit(&mut self, entry: AuditEntry) -> Result<()> {
        let tenant = self.tenant().uuid();
        sqlx::query!(
            "insert into audit_heads (tenant_id, sequence, sha256)
            values ($1, 0, $2)
            on conflict on constraint audit_heads_pkey do nothing",
            tenant,
            &FIRST
        )
        .execute(self.connection())
        .await?;
        let head = sqlx::query!(
            "select
                sequence,
                sha256
            from audit_heads
            where tenant_id = $1
            for update",
            tenant
        )
        .fetch_one(self.connection())
        .await?;
        let (target_kind, target_id) = match entry.target {
            Some((kind, id)) => (Some(kind.to_owned()), Some(id)),
            None => (None, None),
        };
        let fields = AuditFields {
            tenant_id: tenant,
            sequence: head.sequence + 1,
            occurred_at: clock::now(),
            actor_kind: entry.actor.kind.to_owned(),
            actor_id: entry.actor.id,
            actor_name: entry.actor.name,
            action: entry.action.to_owned(),
            target_kind,
            target_id,
            before: entry.before,
            after: entry.after,
            request_id: entry.request_id,
            address: entry.address,
        };
        let sha256 = fields.sha256(&head.sha256);
        self.insert_audit_event(&fields, &head.sha256, &sha256).await
    }

    async fn insert_audit_event(
        &mut self,
        fields: &AuditFields,
        previous: &[u8],
        sha256: &[u8],
    ) -> Result<()> {
        sqlx::query!(
            "with moved as (
                update audit_heads
                set
                    sequence = $2,
                    sha256 = $15
                where tenant_id = $1
            )
            insert into audit_events (
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
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            fields.tenant_id,
            fields.sequence,
            fields.occurred_at,
            fields.actor_kind,
            fields.actor_id,
            fields.actor_name,
            fields.action,
            fields.target_kind,
            fields.target_id,
            fields.before,
            fields.after,
            fields.request_id,
            fields.address,
            previous,
            sha256
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

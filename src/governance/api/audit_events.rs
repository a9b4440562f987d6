//! `/v1/audit_events`.

use chrono::{DateTime, Datelike, Utc};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde_json::{Value, json};
use uuid::Uuid;

use super::export::{ExportResponse, FormatName, export};
use crate::db::Db;
use crate::governance::{AuditEvent, AuditFilter};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "audit_events";

/// Kinds of those who do things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "AuditActorKind", rename_all = "snake_case")]
pub enum ActorKindName {
    /// A program with an API key.
    ApiKey,
    /// A person of the tenant.
    Member,
    /// Somebody whom a customer's own server vouches for.
    EndUser,
    /// The operator of the installation.
    Operator,
    /// The service itself, or a command on its machine.
    System,
}

/// Who did it.
#[derive(Debug, Object)]
#[oai(rename = "AuditActor", skip_serializing_if_is_none)]
pub struct ActorView {
    /// What they are.
    kind: ActorKindName,
    /// Key or person; absent for the service itself.
    id: Option<Uuid>,
    /// Their name at that time.
    #[oai(validator(max_length = 320))]
    name: String,
}

/// What it was done to.
#[derive(Debug, Object)]
#[oai(rename = "AuditTarget")]
pub struct TargetView {
    /// Noun, e.g. `document`.
    #[oai(validator(max_length = 100))]
    kind: String,
    /// Id of the thing.
    #[oai(validator(max_length = 200))]
    id: String,
}

/// An entry of the audit log.
#[derive(Debug, Object)]
#[oai(rename = "AuditEvent", skip_serializing_if_is_none)]
pub struct AuditEventView {
    /// Number within the tenant: from 1, without gaps.
    sequence: i64,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Who.
    actor: ActorView,
    /// What was done, e.g. `document.deleted`.
    #[oai(validator(max_length = 100))]
    action: String,
    /// What it was done to.
    target: Option<TargetView>,
    /// What was there, as far as it changed.
    before: Option<Value>,
    /// What is there now, as far as it changed.
    after: Option<Value>,
    /// Request that did it; finds it in the log of the service.
    #[oai(validator(max_length = 64))]
    request_id: Option<String>,
    /// Address that the request came from.
    #[oai(validator(max_length = 64))]
    address: Option<String>,
    /// Digest of the entry before, in hexadecimal digits.
    #[oai(validator(max_length = 64))]
    previous_sha256: String,
    /// Digest of this entry, which covers the one before.
    #[oai(validator(max_length = 64))]
    sha256: String,
}

/// A page of the audit log.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AuditEventList {
    /// Entries, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<AuditEventView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

/// Operations on the audit log.
pub struct AuditEventsApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Governance")]
#[expect(clippy::too_many_arguments, reason = "each parameter of a query is an argument")]
impl AuditEventsApi {
    /// List entries of the audit log
    ///
    /// What was done in the tenant, newest first. Each entry holds the digest of the one before, so that a change can be
    /// found. Needs the role admin.
    #[oai(path = "/audit_events", method = "get", operation_id = "list_audit_events")]
    async fn list_audit_events(
        &self,
        caller: Caller,
        /// Entries of this key or person only.
        actor_id: Query<Option<Uuid>>,
        /// Entries of this kind only, e.g. `document.deleted`.
        #[oai(validator(max_length = 100))]
        action: Query<Option<String>>,
        /// Entries about things of this noun only, e.g. `document`.
        #[oai(validator(max_length = 100))]
        target_kind: Query<Option<String>>,
        /// Entries about the thing of this id only.
        #[oai(validator(max_length = 200))]
        target_id: Query<Option<String>>,
        /// Entries of this time and later.
        since: Query<Option<DateTime<Utc>>>,
        /// Entries before this time.
        until: Query<Option<DateTime<Utc>>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<AuditEventList>, ApiError> {
        let actor = caller.require(Action::AuditRead)?;
        let page = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let filter = AuditFilter {
            actor_id: actor_id.0,
            action: without_nul("action", action.0)?,
            target_kind: without_nul("target_kind", target_kind.0)?,
            target_id: without_nul("target_id", target_id.0)?,
            since: storable("since", since.0)?,
            until: storable("until", until.0)?,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let before = page.after.map(number_of);
        let mut events = tx.list_audit_events(&filter, before, page.rows()).await?;
        let more = events.len() > page.limit as usize;
        events.truncate(page.limit as usize);
        let last = events.last().filter(|_| more).map(|event| id_of(event.fields.sequence));
        Ok(Json(AuditEventList {
            items: events.into_iter().map(Into::into).collect(),
            next_cursor: last.map(|id| encode_cursor(LIST, actor.tenant, id)),
        }))
    }

    /// Export the audit log
    ///
    /// All entries that the filters leave, newest first, as they are read: one JSON object on each line, or a table of
    /// comma-separated values. The export is noted in the log itself. A stream that breaks off before its end is not
    /// complete: so it does when the key or the login that asked for it ends meanwhile. Needs the role admin.
    #[oai(path = "/audit_events/export", method = "get", operation_id = "export_audit_events")]
    async fn export_audit_events(
        &self,
        caller: Caller,
        /// `ndjson`, which is the default, or `csv`.
        format: Query<Option<FormatName>>,
        /// Entries of this key or person only.
        actor_id: Query<Option<Uuid>>,
        /// Entries of this kind only, e.g. `document.deleted`.
        #[oai(validator(max_length = 100))]
        action: Query<Option<String>>,
        /// Entries about things of this noun only, e.g. `document`.
        #[oai(validator(max_length = 100))]
        target_kind: Query<Option<String>>,
        /// Entries about the thing of this id only.
        #[oai(validator(max_length = 200))]
        target_id: Query<Option<String>>,
        /// Entries of this time and later.
        since: Query<Option<DateTime<Utc>>>,
        /// Entries before this time.
        until: Query<Option<DateTime<Utc>>>,
    ) -> Result<ExportResponse, ApiError> {
        let actor = caller.require(Action::AuditRead)?;
        let filter = AuditFilter {
            actor_id: actor_id.0,
            action: without_nul("action", action.0)?,
            target_kind: without_nul("target_kind", target_kind.0)?,
            target_id: without_nul("target_id", target_id.0)?,
            since: storable("since", since.0)?,
            until: storable("until", until.0)?,
        };
        let format = format.0.unwrap_or(FormatName::Ndjson);
        note_export(&self.db, actor, &filter, format).await?;
        export(self.db.clone(), (actor.tenant, caller.standing()), filter, format).await
    }
}

/// Whoever takes the whole log away stands in it.
async fn note_export(
    db: &Db,
    actor: &Actor,
    filter: &AuditFilter,
    format: FormatName,
) -> Result<(), ApiError> {
    let after = json!({
        "format": format.to_string(),
        "actor_id": filter.actor_id,
        "action": filter.action,
        "target_kind": filter.target_kind,
        "target_id": filter.target_id,
        "since": filter.since,
        "until": filter.until,
    });
    let mut tx = db.tenant(actor.tenant).await?;
    tx.append_audit(actor.audit("audit_events.exported").after(after)).await?;
    tx.commit().await?;
    Ok(())
}

/// PostgreSQL has no text with NUL: none is stored, and none can be asked for.
fn without_nul(name: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.contains('\0') => {
            Err(ApiError::invalid(name, "must not hold the character U+0000"))
        }
        other => Ok(other),
    }
}

/// Years that everybody writes in four digits; PostgreSQL stores not many more.
fn storable(name: &str, time: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, ApiError> {
    match time {
        Some(time) if !(1..=9999).contains(&time.year()) => {
            Err(ApiError::invalid(name, "must be a time of the years 1 to 9999"))
        }
        other => Ok(other),
    }
}

/// Cursors are made of ids: a number as the lower half of one.
fn id_of(sequence: i64) -> Uuid {
    Uuid::from_u64_pair(0, sequence.unsigned_abs())
}

/// The digest of the cursor tells that it is one of this list, and so that the number fits.
fn number_of(id: Uuid) -> i64 {
    i64::try_from(id.as_u64_pair().1).unwrap_or(i64::MAX)
}

impl ActorKindName {
    fn from_row(kind: &str) -> Self {
        match kind {
            "api_key" => Self::ApiKey,
            "member" => Self::Member,
            "end_user" => Self::EndUser,
            "operator" => Self::Operator,
            _ => Self::System,
        }
    }
}

impl From<AuditEvent> for AuditEventView {
    fn from(event: AuditEvent) -> Self {
        let AuditEvent { fields, previous_sha256, sha256 } = event;
        let target = fields.target_kind.zip(fields.target_id);
        Self {
            sequence: fields.sequence,
            occurred_at: fields.occurred_at,
            actor: ActorView {
                kind: ActorKindName::from_row(&fields.actor_kind),
                id: fields.actor_id,
                name: fields.actor_name,
            },
            action: fields.action,
            target: target.map(|(kind, id)| TargetView { kind, id }),
            before: fields.before,
            after: fields.after,
            request_id: fields.request_id,
            address: fields.address,
            previous_sha256: hex::encode(previous_sha256),
            sha256: hex::encode(sha256),
        }
    }
}

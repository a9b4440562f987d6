//! Webhooks and deliveries as they are asked for and shown.

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::db;
use crate::webhooks::announce::Event;
use crate::webhooks::manage::WithSecret;
use crate::webhooks::store::deliveries::DeliveryRow;
use crate::webhooks::store::endpoints::Webhook;

/// An event that a webhook can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebhookEvent")]
pub enum EventName {
    /// A version of a document came into search.
    #[oai(rename = "document.ready")]
    DocumentReady,
    /// A version of a document was given up.
    #[oai(rename = "document.failed")]
    DocumentFailed,
    /// A source of documents was read, with whatever outcome.
    #[oai(rename = "source.synced")]
    SourceSynced,
}

/// Whether a webhook is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebhookState", rename_all = "snake_case")]
pub enum StateName {
    /// It is.
    Enabled,
    /// It is not, until somebody enables it.
    Disabled,
}

/// Why a webhook is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebhookDisabledReason", rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody disabled it.
    Requested,
    /// Too many deliveries in a row were given up.
    Failures,
    /// The receiver answered 410: it wants nothing any more.
    Gone,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebhookDeliveryState", rename_all = "snake_case")]
pub enum DeliveryStateName {
    /// It is sent, or waits for the next attempt.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryStateName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A webhook to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct WebhookCreate {
    /// Where events are sent: an https address that the internet reaches, without user and password.
    #[oai(validator(min_length = 1, max_length = 8192))]
    pub(super) url: String,
    /// Which events.
    #[oai(validator(min_items = 1, max_items = 3))]
    pub(super) events: Vec<EventName>,
}

impl Example for WebhookCreate {
    fn example() -> Self {
        Self {
            url: "https://hooks.example.com/pidima".to_owned(),
            events: vec![EventName::DocumentReady, EventName::DocumentFailed],
        }
    }
}

/// What to change of a webhook; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct WebhookUpdate {
    /// Where events are sent.
    #[oai(validator(min_length = 1, max_length = 8192))]
    pub(super) url: Option<String>,
    /// Which events.
    #[oai(validator(min_items = 1, max_items = 3))]
    pub(super) events: Option<Vec<EventName>>,
    /// Whether it is told of events. Enabling it forgets its failures; disabling it gives up what waits for it.
    pub(super) enabled: Option<bool>,
}

impl Example for WebhookUpdate {
    fn example() -> Self {
        Self { url: None, events: Some(vec![EventName::DocumentFailed]), enabled: None }
    }
}

/// How a secret is replaced.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct WebhookRotate {
    /// How long the old secret signs beside the new one: 0 to 604800 seconds; a day when absent.
    #[oai(validator(minimum(value = "0"), maximum(value = "604800")))]
    pub(super) overlap_seconds: Option<u32>,
}

impl Example for WebhookRotate {
    fn example() -> Self {
        Self { overlap_seconds: Some(3_600) }
    }
}

/// An address that is told of events.
#[derive(Debug, Object)]
#[oai(rename = "Webhook", skip_serializing_if_is_none)]
pub struct WebhookView {
    /// Id.
    id: Uuid,
    /// Where events are sent, as it is understood.
    #[oai(validator(max_length = 8192))]
    url: String,
    /// Which events.
    #[oai(validator(max_items = 3))]
    events: Vec<EventName>,
    /// Whether it is told of events.
    state: StateName,
    /// Why it is disabled; absent when it is not.
    disabled_reason: Option<DisabledReason>,
    /// Deliveries that were given up in a row.
    failures: i32,
    /// Until then the secret before the last rotation signs too; absent when none does.
    previous_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When somebody last changed it.
    updated_at: DateTime<Utc>,
}

/// A webhook with its newest secret.
#[derive(Debug, Object)]
pub struct WebhookWithSecret {
    /// The webhook.
    webhook: WebhookView,
    /// Verifies the messages; shown this once.
    #[oai(validator(max_length = 100))]
    secret: String,
}

/// A page of webhooks.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookList {
    /// Webhooks, oldest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<WebhookView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

/// Why the last attempt at a delivery failed.
#[derive(Debug, Object)]
#[oai(rename = "WebhookFailure")]
pub struct FailureView {
    /// For programs, e.g. `http_status`, `timeout`, `address_refused`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// For people.
    #[oai(validator(max_length = 1000))]
    detail: String,
}

/// One event on its way to one webhook.
#[derive(Debug, Object)]
#[oai(rename = "WebhookDelivery", skip_serializing_if_is_none)]
pub struct DeliveryView {
    /// Id; the receiver sees it as `webhook-id`.
    id: Uuid,
    /// The webhook.
    webhook_id: Uuid,
    /// Name of the event; `webhook.test` for one that somebody asked for.
    #[oai(validator(max_length = 100))]
    event: String,
    /// Where it stands.
    state: DeliveryStateName,
    /// How often it was sent.
    attempts: i32,
    /// When it is sent again; absent when that is now, or never.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Status of the last answer of the receiver; absent when there was none.
    last_status: Option<i32>,
    /// Why the last attempt failed; absent when none did.
    failure: Option<FailureView>,
    /// When the event happened.
    created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    ended_at: Option<DateTime<Utc>>,
}

/// A page of deliveries.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookDeliveryList {
    /// Deliveries, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<DeliveryView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

impl From<EventName> for Event {
    fn from(name: EventName) -> Self {
        match name {
            EventName::DocumentReady => Self::DocumentReady,
            EventName::DocumentFailed => Self::DocumentFailed,
            EventName::SourceSynced => Self::SourceSynced,
        }
    }
}

fn unknown(table: &'static str, value: &str) -> db::Error {
    db::Error::Inconsistent { table, detail: format!("\"{value}\" is not one of the names") }
}

fn event(name: &str) -> db::Result<EventName> {
    match name {
        "document.ready" => Ok(EventName::DocumentReady),
        "document.failed" => Ok(EventName::DocumentFailed),
        "source.synced" => Ok(EventName::SourceSynced),
        _ => Err(unknown("webhook_endpoints", name)),
    }
}

impl TryFrom<Webhook> for WebhookView {
    type Error = db::Error;

    fn try_from(webhook: Webhook) -> db::Result<Self> {
        let state = if webhook.is_enabled() { StateName::Enabled } else { StateName::Disabled };
        let reason = |reason: String| match reason.as_str() {
            "requested" => Ok(DisabledReason::Requested),
            "failures" => Ok(DisabledReason::Failures),
            "gone" => Ok(DisabledReason::Gone),
            _ => Err(unknown("webhook_endpoints", &reason)),
        };
        let now = Utc::now();
        Ok(Self {
            id: webhook.webhook_id,
            url: webhook.url,
            events: webhook.events.iter().map(|name| event(name)).collect::<db::Result<_>>()?,
            state,
            disabled_reason: webhook.disabled_reason.map(reason).transpose()?,
            failures: webhook.failures,
            previous_secret_until: webhook.previous_secret_until.filter(|end| *end > now),
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        })
    }
}

impl TryFrom<WithSecret> for WebhookWithSecret {
    type Error = db::Error;

    fn try_from(made: WithSecret) -> db::Result<Self> {
        Ok(Self { webhook: made.webhook.try_into()?, secret: made.secret })
    }
}

impl TryFrom<DeliveryRow> for DeliveryView {
    type Error = db::Error;

    fn try_from(row: DeliveryRow) -> db::Result<Self> {
        let state = match row.state.as_str() {
            "pending" => DeliveryStateName::Pending,
            "delivered" => DeliveryStateName::Delivered,
            "failed" => DeliveryStateName::Failed,
            _ => return Err(unknown("webhook_deliveries", &row.state)),
        };
        let failure = row.failure_code.zip(row.failure_detail);
        Ok(Self {
            id: row.delivery_id,
            webhook_id: row.webhook_id,
            event: row.event,
            state,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            last_status: row.last_status,
            failure: failure.map(|(code, detail)| FailureView { code, detail }),
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

//! Makes, changes and removes endpoints, and gives them new secrets. Each is an entry of the audit log, without the secret.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Webhooks;
use super::announce::Event;
use super::sign::SecretName;
use super::store::endpoints::Webhook;
use crate::adapters::outbound::OutboundError;
use crate::db::{self, TenantTx};
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Longest time in which two secrets sign, in seconds.
pub const MAX_OVERLAP_SECONDS: u32 = 604_800;
/// The same when nobody says: a day.
pub const DEFAULT_OVERLAP_SECONDS: u32 = 86_400;

/// Why an endpoint was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is none of this id.
    #[error("there is no such webhook")]
    Unknown,
    /// There is no delivery of this id.
    #[error("there is no such delivery")]
    UnknownDelivery,
    /// A credential that sees some collections would be told of all.
    #[error("events tell of every collection: use a key that is not limited to some")]
    Limited,
    /// One too many.
    #[error("the tenant has {0} webhooks, which is the most; delete one first")]
    TooMany(u32),
    /// The address is too long.
    #[error("must have at most {0} bytes")]
    TooLong(usize),
    /// The address leads nowhere that may be reached.
    #[error(transparent)]
    Address(OutboundError),
    /// Nothing can be signed.
    #[error("this installation signs nothing: the operator sets PIDIMA_SIGNING_SECRET")]
    NoSecret,
    /// Nothing is sent to an endpoint that is off.
    #[error("the webhook is disabled; enable it first")]
    Disabled,
    /// The secret can not be derived.
    #[error("the secret can not be derived")]
    Secret(#[from] jsonwebtoken::errors::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// An endpoint with its newest secret, which is shown once.
pub struct WithSecret {
    /// As stored.
    pub webhook: Webhook,
    /// The text of the secret.
    pub secret: String,
}

/// What to change of an endpoint; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// Other events.
    pub events: Option<Vec<Event>>,
    /// On or off.
    pub enabled: Option<bool>,
}

impl Webhooks {
    /// Makes an endpoint.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn create(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        url: &str,
        events: &[Event],
    ) -> Result<WithSecret, WebhookError> {
        unlimited(actor)?;
        let url = self.address(url)?;
        let most = self.settings().max_endpoints;
        if tx.count_webhooks().await? >= i64::from(most) {
            return Err(WebhookError::TooMany(most));
        }
        let now = clock::now();
        let webhook = Webhook {
            webhook_id: new_id(),
            url,
            events: names(events),
            state: "enabled".to_owned(),
            disabled_reason: None,
            failures: 0,
            secret_number: 1,
            previous_secret_until: None,
            created_by: actor.id(),
            created_at: now,
            updated_at: now,
        };
        let made = self.with_secret(tx, webhook)?;
        tx.insert_webhook(&made.webhook).await?;
        let entry = actor.audit("webhook.created").on("webhook", made.webhook.webhook_id);
        tx.append_audit(entry.after(described(&made.webhook))).await?;
        Ok(made)
    }

    /// Changes an endpoint. Enabling one forgets its failures; disabling one gives up what it waits for.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn change(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        webhook_id: Uuid,
        change: WebhookChange,
    ) -> Result<Webhook, WebhookError> {
        unlimited(actor)?;
        let before = tx.lock_webhook(webhook_id).await?.ok_or(WebhookError::Unknown)?;
        let mut after = before.clone();
        if let Some(url) = change.url {
            after.url = self.address(&url)?;
        }
        if let Some(events) = change.events {
            after.events = names(&events);
        }
        match change.enabled {
            Some(true) if !before.is_enabled() => {
                (after.state, after.disabled_reason) = ("enabled".to_owned(), None);
                after.failures = 0;
            }
            Some(false) if before.is_enabled() => {
                after.state = "disabled".to_owned();
                after.disabled_reason = Some("requested".to_owned());
                tx.fail_pending_deliveries(webhook_id).await?;
            }
            _ => {}
        }
        if after == before {
            return Ok(before);
        }
        after.updated_at = clock::now();
        tx.update_webhook(&after).await?;
        let entry = actor.audit("webhook.changed").on("webhook", webhook_id);
        tx.append_audit(entry.before(described(&before)).after(described(&after))).await?;
        Ok(after)
    }

    /// Gives an endpoint its next secret; the one before signs too until the overlap is over.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn rotate(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        webhook_id: Uuid,
        overlap_seconds: u32,
    ) -> Result<WithSecret, WebhookError> {
        unlimited(actor)?;
        let mut webhook = tx.lock_webhook(webhook_id).await?.ok_or(WebhookError::Unknown)?;
        let now = clock::now();
        let overlap = TimeDelta::seconds(overlap_seconds.min(MAX_OVERLAP_SECONDS).into());
        webhook.secret_number += 1;
        webhook.previous_secret_until = (overlap_seconds > 0).then_some(now + overlap);
        webhook.updated_at = now;
        let made = self.with_secret(tx, webhook)?;
        tx.update_webhook(&made.webhook).await?;
        let end = made.webhook.previous_secret_until.map(|end| end.to_rfc3339());
        let entry = actor.audit("webhook.secret_rotated").on("webhook", webhook_id);
        tx.append_audit(entry.after(json!({ "previous_secret_until": end }))).await?;
        Ok(made)
    }

    /// Removes an endpoint and what it was told.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn delete(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        webhook_id: Uuid,
    ) -> Result<(), WebhookError> {
        let webhook = tx.lock_webhook(webhook_id).await?.ok_or(WebhookError::Unknown)?;
        tx.delete_webhook(webhook_id).await?;
        let entry = actor.audit("webhook.deleted").on("webhook", webhook_id);
        tx.append_audit(entry.before(described(&webhook))).await?;
        Ok(())
    }

    /// The address as it is understood, when it may be reached as far as the text tells.
    fn address(&self, url: &str) -> Result<String, WebhookError> {
        let target = self.outbound().target(url).map_err(WebhookError::Address)?;
        let most = self.settings().max_url_bytes;
        if target.as_str().len() > most {
            return Err(WebhookError::TooLong(most));
        }
        Ok(target.as_str().to_owned())
    }

    fn with_secret(&self, tx: &TenantTx, webhook: Webhook) -> Result<WithSecret, WebhookError> {
        let signer = self.signer().ok_or(WebhookError::NoSecret)?;
        let name = SecretName {
            tenant: tx.tenant(),
            webhook_id: webhook.webhook_id,
            number: webhook.secret_number,
        };
        Ok(WithSecret { secret: signer.secret(name)?, webhook })
    }
}

/// Passes unless the actor is limited to some collections.
pub(super) fn unlimited(actor: &Actor) -> Result<(), WebhookError> {
    if actor.principal.collection_ids().is_empty() { Ok(()) } else { Err(WebhookError::Limited) }
}

/// Names in the order of the list of events, each once.
fn names(events: &[Event]) -> Vec<String> {
    let wanted = Event::ALL.into_iter().filter(|event| events.contains(event));
    wanted.map(|event| event.as_str().to_owned()).collect()
}

/// For the audit log, which many may read and nobody may change: path and query often hold a secret of the receiver.
fn described(webhook: &Webhook) -> Value {
    let url = reqwest::Url::parse(&webhook.url);
    json!({
        "origin": url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization()),
        "events": webhook.events,
        "state": webhook.state,
        "disabled_reason": webhook.disabled_reason,
    })
}

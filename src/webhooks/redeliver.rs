//! Sends on request: an event that only tries the endpoint, and a delivery that is over once more.

use serde_json::json;
use uuid::Uuid;

use super::Webhooks;
use super::announce::{TEST, tell};
use super::deliver::DELIVER_WEBHOOK;
use super::manage::{WebhookError, unlimited};
use super::store::deliveries::DeliveryRow;
use super::store::endpoints::Webhook;
use crate::db::TenantTx;
use crate::identity::Actor;

impl Webhooks {
    /// Tells an endpoint that somebody tries it.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn try_out(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        webhook_id: Uuid,
    ) -> Result<DeliveryRow, WebhookError> {
        unlimited(actor)?;
        enabled(tx, webhook_id).await?;
        let data = json!({ "webhook_id": webhook_id });
        let ids = tell(tx, &[webhook_id], TEST, data).await?;
        let id = ids.first().copied().ok_or(WebhookError::UnknownDelivery)?;
        tx.find_delivery(webhook_id, id).await?.ok_or(WebhookError::UnknownDelivery)
    }

    /// Sends a delivery that is over once more: the same message under the same id. One that is on its way is left alone.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn redeliver(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        webhook_id: Uuid,
        delivery_id: Uuid,
    ) -> Result<DeliveryRow, WebhookError> {
        unlimited(actor)?;
        enabled(tx, webhook_id).await?;
        tx.find_delivery(webhook_id, delivery_id).await?.ok_or(WebhookError::UnknownDelivery)?;
        if tx.reopen_delivery(delivery_id).await? {
            tx.enqueue(DELIVER_WEBHOOK, delivery_id).await?;
            let entry = actor.audit("webhook.redelivered").on("webhook", webhook_id);
            tx.append_audit(entry.after(json!({ "delivery_id": delivery_id }))).await?;
        }
        tx.find_delivery(webhook_id, delivery_id).await?.ok_or(WebhookError::UnknownDelivery)
    }
}

/// The endpoint, locked, when something can be sent to it.
async fn enabled(tx: &mut TenantTx, webhook_id: Uuid) -> Result<Webhook, WebhookError> {
    let webhook = tx.lock_webhook(webhook_id).await?.ok_or(WebhookError::Unknown)?;
    if webhook.is_enabled() { Ok(webhook) } else { Err(WebhookError::Disabled) }
}

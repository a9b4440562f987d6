//! `/v1/webhooks/{id}/deliveries`, and the two ways to ask for one.

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use tokio::sync::Notify;
use uuid::Uuid;

use super::views::{DeliveryStateName, DeliveryView, WebhookDeliveryList};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::web::idempotency::{NoBody, Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;
use crate::webhooks::Webhooks;

const LIST: &str = "webhook_deliveries";

#[derive(ApiResponse)]
enum TestResponse {
    /// The event is on its way.
    #[oai(status = 202)]
    Accepted(Json<DeliveryView>),
}

#[derive(ApiResponse)]
enum RedeliverResponse {
    /// The message is on its way again.
    #[oai(status = 202)]
    Accepted(Json<DeliveryView>),
}

/// Operations on deliveries.
pub struct WebhookDeliveriesApi {
    /// The database.
    pub db: Db,
    /// Sends.
    pub webhooks: Webhooks,
    /// Wakes the worker.
    pub work_waits: Arc<Notify>,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Webhooks")]
impl WebhookDeliveriesApi {
    /// Test a webhook
    ///
    /// Sends an event named `webhook.test`, signed and tried again like any other. A webhook that is disabled answers 409.
    /// Needs the role admin.
    #[oai(path = "/webhooks/:webhook_id/test", method = "post", operation_id = "test_webhook")]
    async fn test_webhook(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
        body: Once<NoBody>,
    ) -> Result<Replayable<TestResponse>, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let (_, claim) = body.by(actor.id());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let delivery = self.webhooks.try_out(&mut tx, actor, webhook_id.0).await?;
        let response = TestResponse::Accepted(Json(delivery.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.work_waits.notify_one();
        Ok(response)
    }

    /// List deliveries of a webhook
    ///
    /// What the webhook was told or is to be told, newest first: how often each was sent, what the receiver answered, and
    /// when it is sent again. Needs the role admin.
    #[oai(
        path = "/webhooks/:webhook_id/deliveries",
        method = "get",
        operation_id = "list_webhook_deliveries"
    )]
    async fn list_webhook_deliveries(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
        /// Deliveries in this state only.
        state: Query<Option<DeliveryStateName>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<WebhookDeliveryList>, ApiError> {
        let actor = caller.require(Action::WebhookRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let webhook = tx.find_webhook(webhook_id.0).await?;
        webhook.ok_or_else(|| ApiError::not_found("webhook"))?;
        let state = state.0.map(DeliveryStateName::as_str);
        let page = tx.list_deliveries(webhook_id.0, state, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(WebhookDeliveryList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Redeliver to a webhook
    ///
    /// Sends a delivery that is over once more: the same message with the same `webhook-id`, and as many attempts as in the
    /// beginning. One that is on its way is left as it is. A webhook that is disabled answers 409. Needs the role admin.
    #[oai(
        path = "/webhooks/:webhook_id/deliveries/:delivery_id/redeliver",
        method = "post",
        operation_id = "redeliver_webhook_delivery"
    )]
    async fn redeliver_webhook_delivery(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
        /// Id of the delivery.
        delivery_id: Path<Uuid>,
        body: Once<NoBody>,
    ) -> Result<Replayable<RedeliverResponse>, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let (_, claim) = body.by(actor.id());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let delivery = self.webhooks.redeliver(&mut tx, actor, webhook_id.0, delivery_id.0).await?;
        let response = RedeliverResponse::Accepted(Json(delivery.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.work_waits.notify_one();
        Ok(response)
    }
}

//! `/v1/webhooks`.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::views::{
    WebhookCreate, WebhookList, WebhookRotate, WebhookUpdate, WebhookView, WebhookWithSecret,
};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;
use crate::webhooks::Webhooks;
use crate::webhooks::announce::Event;
use crate::webhooks::manage::{DEFAULT_OVERLAP_SECONDS, WebhookChange, WebhookError, WithSecret};

const LIST: &str = "webhooks";

#[derive(ApiResponse)]
enum CreateResponse {
    /// The webhook is told of events from now on; the secret is shown this once.
    #[oai(status = 201)]
    Created(Json<WebhookWithSecret>),
}

#[derive(ApiResponse)]
enum RotateResponse {
    /// The new secret signs from now on; it is shown this once.
    #[oai(status = 201)]
    Created(Json<WebhookWithSecret>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The webhook is gone, and its deliveries with it.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on webhooks.
pub struct WebhooksApi {
    /// The database.
    pub db: Db,
    /// Makes and tells endpoints.
    pub webhooks: Webhooks,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Webhooks")]
impl WebhooksApi {
    /// List webhooks
    ///
    /// The addresses of the tenant that are told of events, oldest first. Needs the role admin.
    #[oai(path = "/webhooks", method = "get", operation_id = "list_webhooks")]
    async fn list_webhooks(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<WebhookList>, ApiError> {
        let actor = caller.require(Action::WebhookRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.db.tenant(actor.tenant).await?.list_webhooks(keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(WebhookList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Create a webhook
    ///
    /// Tells an address of events from now on, by the specification of Standard Webhooks. The secret that verifies the
    /// messages is shown in this answer and never again. Events tell of every collection, so that a key that is limited to
    /// some can not make one. Needs the role admin.
    #[oai(path = "/webhooks", method = "post", operation_id = "create_webhook")]
    async fn create_webhook(
        &self,
        caller: Caller,
        body: Once<JsonBody<WebhookCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let (body, claim) = body.by(actor.id());
        let events: Vec<Event> = body.0.events.into_iter().map(Into::into).collect();
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let made = self.webhooks.create(&mut tx, actor, &body.0.url, &events).await?;
        let path = path_of(&made);
        let response = CreateResponse::Created(Json(made.try_into()?));
        Replayable::commit_secret(tx, response, path).await
    }

    /// Get a webhook
    ///
    /// Shows one webhook, without its secret. Needs the role admin.
    #[oai(path = "/webhooks/:webhook_id", method = "get", operation_id = "get_webhook")]
    async fn get_webhook(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
    ) -> Result<Json<WebhookView>, ApiError> {
        let actor = caller.require(Action::WebhookRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_webhook(webhook_id.0).await?;
        let webhook = found.ok_or_else(|| ApiError::not_found("webhook"))?;
        Ok(Json(webhook.try_into()?))
    }

    /// Update a webhook
    ///
    /// Changes address and events, and switches it off and on. Needs the role admin.
    #[oai(path = "/webhooks/:webhook_id", method = "patch", operation_id = "update_webhook")]
    async fn update_webhook(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
        body: JsonBody<WebhookUpdate>,
    ) -> Result<Json<WebhookView>, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let WebhookUpdate { url, events, enabled } = body.0;
        let events = events.map(|events| events.into_iter().map(Into::into).collect());
        let change = WebhookChange { url, events, enabled };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let webhook = self.webhooks.change(&mut tx, actor, webhook_id.0, change).await?;
        tx.commit().await?;
        Ok(Json(webhook.try_into()?))
    }

    /// Delete a webhook
    ///
    /// Nothing is sent to it any more. Needs the role admin.
    #[oai(path = "/webhooks/:webhook_id", method = "delete", operation_id = "delete_webhook")]
    async fn delete_webhook(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        self.webhooks.delete(&mut tx, actor, webhook_id.0).await?;
        tx.commit().await?;
        Ok(DeleteResponse::Deleted)
    }

    /// Rotate a webhook's secret
    ///
    /// Makes a new secret, shown in this answer and never again. For the overlap each message carries two signatures, one
    /// of either secret, so that the receiver changes over without a gap; with an overlap of 0 the old secret is worth
    /// nothing at once. Needs the role admin.
    #[oai(
        path = "/webhooks/:webhook_id/rotate",
        method = "post",
        operation_id = "rotate_webhook_secret"
    )]
    async fn rotate_webhook_secret(
        &self,
        caller: Caller,
        /// Id of the webhook.
        webhook_id: Path<Uuid>,
        body: Once<JsonBody<WebhookRotate>>,
    ) -> Result<Replayable<RotateResponse>, ApiError> {
        let actor = caller.require(Action::WebhookWrite)?;
        let (body, claim) = body.by(actor.id());
        let overlap = body.0.overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let made = self.webhooks.rotate(&mut tx, actor, webhook_id.0, overlap).await?;
        let path = path_of(&made);
        let response = RotateResponse::Created(Json(made.try_into()?));
        Replayable::commit_secret(tx, response, path).await
    }
}

/// Where the webhook is found, without its secret.
fn path_of(made: &WithSecret) -> String {
    format!("/v1/webhooks/{}", made.webhook.webhook_id)
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        let text = error.to_string();
        match error {
            WebhookError::Unknown => Self::not_found("webhook"),
            WebhookError::UnknownDelivery => Self::not_found("webhook delivery"),
            WebhookError::Limited => Self::new(ProblemCode::Forbidden, text),
            WebhookError::TooLong(_) | WebhookError::Address(_) => Self::invalid("/url", text),
            WebhookError::TooMany(_) | WebhookError::NoSecret | WebhookError::Disabled => {
                Self::new(ProblemCode::Conflict, text)
            }
            WebhookError::Secret(error) => Self::internal(error),
            WebhookError::Database(error) => error.into(),
        }
    }
}

//! The job that sends a delivery: claim, send, note the outcome. No transaction is held while it is sent, and a lease keeps
//! two workers from sending at once; a worker that dies in between has perhaps sent it, so that it arrives at least once.

use std::time::Duration;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use rand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::places::{Place, Places, share};
use super::sign::{SecretName, WebhookSigner};
use super::store::deliveries::{Claim, ClaimedDelivery, FailedSending};
use crate::adapters::outbound::{Outbound, OutboundError, OutboundRequest};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, Db, Few, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::TenantId;

/// Name of the job that sends a delivery.
pub const DELIVER_WEBHOOK: &str = "deliver_webhook";

/// What each wait is longer than the one before.
const GROWTH: u32 = 4;
/// What waits vary by, so that what failed together does not come together: up to a tenth.
const JITTER: f64 = 0.1;
/// Wait before a message is looked at again whose delivery others have taken up in the meantime.
const FENCED_OUT: Duration = Duration::from_secs(5);
/// Status of a receiver that wants nothing any more.
const GONE: u16 = 410;

/// Limits and manners of webhooks.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Most endpoints of a tenant.
    pub max_endpoints: u32,
    /// Longest address, in bytes.
    pub max_url_bytes: usize,
    /// Attempts before a delivery is given up.
    pub max_attempts: u32,
    /// Wait after the first attempt.
    pub first_retry: Duration,
    /// Longest wait between two attempts.
    pub longest_retry: Duration,
    /// Deliveries given up in a row after which an endpoint is switched off.
    pub max_failures: u32,
    /// Deliveries sent at once by this process.
    pub concurrency: usize,
    /// How long a worker that sends is trusted without a sign.
    pub lease: Duration,
    /// How long deliveries are kept after their end.
    pub keep: Duration,
}

/// What the runner does with the message of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Delete it.
    Done,
    /// Let it wait in the line, outside the queue, for so long.
    Later(Duration),
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum SendError {
    /// The receiver did not take it.
    #[error(
        "the receiver answered {0}; only a status from 200 to 299 says that it took the message"
    )]
    Status(u16),
    /// Nobody answered.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Nothing can be signed.
    #[error("nothing can be signed: the operator sets PIDIMA_SIGNING_SECRET")]
    NoSecret,
    /// The signature can not be sent.
    #[error("the message can not be signed")]
    Unsigned,
}

impl SendError {
    fn code(&self) -> &'static str {
        match self {
            Self::Status(_) => "http_status",
            Self::Outbound(error) => error.code(),
            Self::NoSecret | Self::Unsigned => "not_signed",
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            _ => None,
        }
    }
}

/// The service that sends.
#[derive(Clone, Debug)]
pub struct Webhooks {
    db: Db,
    outbound: Outbound,
    signer: Option<WebhookSigner>,
    settings: WebhookSettings,
    places: Places,
}

impl Webhooks {
    /// A service; without a signer nothing is sent.
    pub fn new(
        db: Db,
        outbound: Outbound,
        signer: Option<WebhookSigner>,
        settings: WebhookSettings,
    ) -> Self {
        let places = Places::new(settings.concurrency);
        Self { db, outbound, signer, settings, places }
    }

    /// Limits and manners.
    pub fn settings(&self) -> &WebhookSettings {
        &self.settings
    }

    /// How many messages of a tenant are handed over at once: more than it has places would go round in a circle.
    pub fn few(&self) -> Few {
        let most = i64::try_from(share(self.settings.concurrency)).unwrap_or(i64::MAX);
        Few { kind: DELIVER_WEBHOOK, most }
    }

    /// What speaks to addresses.
    pub(super) fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// What derives secrets; absent without the setting.
    pub(super) fn signer(&self) -> Option<&WebhookSigner> {
        self.signer.as_ref()
    }

    /// A place to send from; `None` when all that the tenant may have are taken.
    pub fn place(&self, tenant: TenantId) -> Option<Place> {
        self.places.take(tenant)
    }

    /// Makes one attempt at a delivery.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the delivery: the message should come again.
    pub async fn deliver(
        &self,
        tenant: TenantId,
        delivery_id: Uuid,
    ) -> db::Result<DeliveryOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.db.tenant(tenant).await?;
        let claim = tx.claim_delivery(delivery_id, token, self.settings.lease).await?;
        tx.commit().await?;
        let delivery = match claim {
            Claim::Held(delivery) => delivery,
            Claim::Waits(wait) => return Ok(DeliveryOutcome::Later(wait)),
            Claim::Nothing => return Ok(DeliveryOutcome::Done),
        };
        match self.send(tenant, &delivery).await {
            Ok(status) => self.delivered(tenant, &delivery, token, status).await,
            Err(error) => self.failed(tenant, &delivery, token, &error).await,
        }
    }

    /// Gives up a delivery whose message is set aside; false when another worker has it in hand.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon(&self, tenant: TenantId, delivery_id: Uuid) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        let detail = "the work was begun again and again and never came to an end; redeliver it when the operator has removed the cause";
        let is_over = tx.abandon_delivery(delivery_id, "worker_lost", detail).await?;
        tx.commit().await?;
        Ok(is_over)
    }

    async fn send(&self, tenant: TenantId, delivery: &ClaimedDelivery) -> Result<u16, SendError> {
        let signer = self.signer.as_ref().ok_or(SendError::NoSecret)?;
        let newest =
            SecretName { tenant, webhook_id: delivery.webhook_id, number: delivery.secret_number };
        let mut names = vec![newest];
        if delivery.previous_signs {
            names.push(SecretName { number: newest.number - 1, ..newest });
        }
        let (id, timestamp) = (delivery.delivery_id.to_string(), clock::now().timestamp());
        let signatures = signer.signatures(&names, &id, timestamp, &delivery.payload);
        let signatures = signatures.map_err(|_| SendError::Unsigned)?;
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SendError::Unsigned);
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-id"), value(&id)?),
            (HeaderName::from_static("webhook-timestamp"), value(&timestamp.to_string())?),
            (HeaderName::from_static("webhook-signature"), value(&signatures)?),
        ];
        let request = OutboundRequest {
            method: Method::POST,
            target: self.outbound.target(&delivery.url)?,
            headers,
            body: delivery.payload.clone().into(),
            max_redirects: 0,
        };
        let status = self.outbound.send(request).await?.status;
        if status.is_success() {
            Ok(status.as_u16())
        } else {
            Err(SendError::Status(status.as_u16()))
        }
    }

    async fn delivered(
        &self,
        tenant: TenantId,
        delivery: &ClaimedDelivery,
        token: Uuid,
        status: u16,
    ) -> db::Result<DeliveryOutcome> {
        let mut tx = self.db.tenant(tenant).await?;
        // The endpoint before its deliveries, as everywhere.
        tx.forget_webhook_failures(delivery.webhook_id).await?;
        if !tx.finish_delivery(delivery.delivery_id, token, status).await? {
            return Ok(DeliveryOutcome::Later(FENCED_OUT));
        }
        tx.commit().await?;
        Ok(DeliveryOutcome::Done)
    }

    async fn failed(
        &self,
        tenant: TenantId,
        delivery: &ClaimedDelivery,
        token: Uuid,
        error: &SendError,
    ) -> db::Result<DeliveryOutcome> {
        let counted =
            u32::try_from(delivery.attempt - delivery.attempts_before).unwrap_or(u32::MAX);
        let is_gone = error.status() == Some(GONE);
        let give_up = is_gone || counted >= self.settings.max_attempts;
        tracing::info!(
            delivery.id = %delivery.delivery_id,
            attempt = delivery.attempt,
            give_up,
            code = error.code(),
            "a webhook was not delivered"
        );
        let wait = self.wait_after(counted);
        let detail = error.to_string();
        let failed = FailedSending {
            code: error.code(),
            detail: &detail,
            status: error.status(),
            again_after: (!give_up).then_some(wait),
        };
        let mut tx = self.db.tenant(tenant).await?;
        if give_up {
            // The endpoint before its deliveries, as everywhere.
            tx.lock_webhook(delivery.webhook_id).await?;
        }
        if !tx.fail_delivery(delivery.delivery_id, token, failed).await? {
            return Ok(DeliveryOutcome::Later(FENCED_OUT));
        }
        if give_up {
            self.count_failure(&mut tx, delivery.webhook_id, is_gone).await?;
        }
        tx.commit().await?;
        Ok(if give_up { DeliveryOutcome::Done } else { DeliveryOutcome::Later(wait) })
    }

    /// Counts a delivery that was given up, and switches the endpoint off when it is one too many.
    async fn count_failure(
        &self,
        tx: &mut TenantTx,
        webhook_id: Uuid,
        is_gone: bool,
    ) -> db::Result<()> {
        let failures = tx.count_webhook_failure(webhook_id).await?.unwrap_or_default();
        let is_too_many = u32::try_from(failures).unwrap_or_default() >= self.settings.max_failures;
        let reason = match (is_gone, is_too_many) {
            (true, _) => "gone",
            (false, true) => "failures",
            (false, false) => return Ok(()),
        };
        if tx.disable_webhook(webhook_id, reason).await? {
            tx.fail_pending_deliveries(webhook_id).await?;
            let entry = AuditEntry::new(AuditActor::system("webhooks"), "webhook.disabled");
            let entry = entry.on("webhook", webhook_id).after(json!({ "reason": reason }));
            tx.append_audit(entry).await?;
        }
        Ok(())
    }

    /// Wait after so many attempts that failed: the first one, four times as long each time, up to the longest.
    fn wait_after(&self, attempts: u32) -> Duration {
        let WebhookSettings { first_retry, longest_retry, .. } = self.settings;
        let factor = GROWTH.saturating_pow(attempts.saturating_sub(1));
        let wait =
            first_retry.checked_mul(factor).map_or(longest_retry, |wait| wait.min(longest_retry));
        wait.mul_f64(rand::rng().random_range(1.0..1.0 + JITTER)).min(longest_retry)
    }
}

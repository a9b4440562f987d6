//! Rows of `webhook_deliveries` on their way: written, claimed, listed. What became of them is written in `outcomes`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// Shortest wait for a delivery that another worker has.
const SHORTEST_WAIT: f64 = 0.05;

/// A delivery in the hands of a worker.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// Id.
    pub delivery_id: Uuid,
    /// Endpoint.
    pub webhook_id: Uuid,
    /// Address of the endpoint.
    pub url: String,
    /// Which of its secrets signs.
    pub secret_number: i32,
    /// Whether the one before signs too.
    pub previous_signs: bool,
    /// What is sent.
    pub payload: String,
    /// Attempt that the claim began.
    pub attempt: i32,
    /// Attempts that do not count.
    pub attempts_before: i32,
}

/// Outcome of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// It is ours.
    Held(ClaimedDelivery),
    /// It is not due, or another worker has it.
    Waits(Duration),
    /// Gone, or done already: nothing is left to do.
    Nothing,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedSending<'a> {
    /// For programs.
    pub code: &'a str,
    /// In words.
    pub detail: &'a str,
    /// Status of the answer, when there was one.
    pub status: Option<u16>,
    /// When it is tried again; given up when absent.
    pub again_after: Option<Duration>,
}

/// A delivery as it is listed.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// Id.
    pub delivery_id: Uuid,
    /// Endpoint.
    pub webhook_id: Uuid,
    /// Name of the event.
    pub event: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How often it was sent.
    pub attempts: i32,
    /// When it is sent again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Status of the last answer.
    pub last_status: Option<i32>,
    /// Why the last attempt failed.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// When the event happened.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

impl TenantTx {
    /// Writes one delivery for each endpoint.
    pub(in crate::webhooks) async fn insert_deliveries(
        &mut self,
        delivery_ids: &[Uuid],
        webhook_ids: &[Uuid],
        event: &str,
        payload: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into webhook_deliveries (tenant_id, delivery_id, webhook_id, event, payload)
            select
                $1,
                n.delivery_id,
                n.webhook_id,
                $4,
                $5
            from unnest($2::uuid[], $3::uuid[]) as n (delivery_id, webhook_id)",
            self.tenant().uuid(),
            delivery_ids,
            webhook_ids,
            event,
            payload
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a delivery that is due and in nobody's hands, and begins an attempt.
    pub(in crate::webhooks) async fn claim_delivery(
        &mut self,
        delivery_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim> {
        let claimed = sqlx::query_as!(
            ClaimedDelivery,
            r#"update webhook_deliveries d
            set
                attempts = d.attempts + 1,
                next_attempt_at = null,
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            from webhook_endpoints w
            where d.tenant_id = $1
                and d.delivery_id = $2
                and d.state = 'pending'
                and (d.lease_expires_at is null or d.lease_expires_at <= now())
                and (d.next_attempt_at is null or d.next_attempt_at <= now())
                and w.tenant_id = d.tenant_id
                and w.webhook_id = d.webhook_id
                and w.state = 'enabled'
            returning
                d.delivery_id,
                d.webhook_id,
                w.url,
                w.secret_number,
                coalesce(w.previous_secret_until > now(), false) as "previous_signs!",
                d.payload,
                d.attempts as attempt,
                d.attempts_before"#,
            self.tenant().uuid(),
            delivery_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(delivery) = claimed {
            return Ok(Claim::Held(delivery));
        }
        let waiting = sqlx::query!(
            r#"select
                d.webhook_id,
                w.state as webhook_state,
                extract(epoch from greatest(d.next_attempt_at, d.lease_expires_at) - now())::float8 as seconds
            from webhook_deliveries d
            join webhook_endpoints w on w.tenant_id = d.tenant_id and w.webhook_id = d.webhook_id
            where d.tenant_id = $1
                and d.delivery_id = $2
                and d.state = 'pending'"#,
            self.tenant().uuid(),
            delivery_id
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(waiting) = waiting else { return Ok(Claim::Nothing) };
        // The endpoint was switched off while the event was being written. It may be on again by now.
        if waiting.webhook_state == "disabled"
            && let Some(webhook) = self.lock_webhook(waiting.webhook_id).await?
            && !webhook.is_enabled()
        {
            self.fail_pending_deliveries(waiting.webhook_id).await?;
            return Ok(Claim::Nothing);
        }
        let seconds = waiting.seconds.unwrap_or_default().max(SHORTEST_WAIT);
        Ok(Claim::Waits(Duration::from_secs_f64(seconds)))
    }

    /// One delivery of an endpoint.
    pub(in crate::webhooks) async fn find_delivery(
        &mut self,
        webhook_id: Uuid,
        delivery_id: Uuid,
    ) -> db::Result<Option<DeliveryRow>> {
        let delivery = sqlx::query_as!(
            DeliveryRow,
            "select
                delivery_id,
                webhook_id,
                event,
                state,
                attempts,
                next_attempt_at,
                last_status,
                failure_code,
                failure_detail,
                created_at,
                ended_at
            from webhook_deliveries
            where tenant_id = $1
                and webhook_id = $2
                and delivery_id = $3",
            self.tenant().uuid(),
            webhook_id,
            delivery_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(delivery)
    }

    /// Deliveries of an endpoint, newest first.
    pub(in crate::webhooks) async fn list_deliveries(
        &mut self,
        webhook_id: Uuid,
        state: Option<&str>,
        keyset: Keyset,
    ) -> db::Result<Page<DeliveryRow>> {
        let rows = sqlx::query_as!(
            DeliveryRow,
            "select
                delivery_id,
                webhook_id,
                event,
                state,
                attempts,
                next_attempt_at,
                last_status,
                failure_code,
                failure_detail,
                created_at,
                ended_at
            from webhook_deliveries
            where tenant_id = $1
                and webhook_id = $2
                and ($3::text is null or state = $3)
                and ($4::uuid is null or delivery_id < $4)
            order by delivery_id desc
            limit $5",
            self.tenant().uuid(),
            webhook_id,
            state,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |delivery| delivery.delivery_id))
    }
}

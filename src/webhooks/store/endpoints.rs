//! Rows of `webhook_endpoints`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Id.
    pub webhook_id: Uuid,
    /// Where events are sent.
    pub url: String,
    /// Names of the events.
    pub events: Vec<String>,
    /// `enabled` or `disabled`.
    pub state: String,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Deliveries given up in a row.
    pub failures: i32,
    /// Which secret signs.
    pub secret_number: i32,
    /// Until then the one before signs too.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Webhook {
    /// Whether events are sent.
    pub fn is_enabled(&self) -> bool {
        self.state == "enabled"
    }
}

impl TenantTx {
    /// One endpoint.
    pub async fn find_webhook(&mut self, webhook_id: Uuid) -> db::Result<Option<Webhook>> {
        let webhook = sqlx::query_as!(
            Webhook,
            "select
                webhook_id,
                url,
                events,
                state,
                disabled_reason,
                failures,
                secret_number,
                previous_secret_until,
                created_by,
                created_at,
                updated_at
            from webhook_endpoints
            where tenant_id = $1
                and webhook_id = $2",
            self.tenant().uuid(),
            webhook_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(webhook)
    }

    /// The same, kept from changing until the end of the transaction.
    pub(in crate::webhooks) async fn lock_webhook(
        &mut self,
        webhook_id: Uuid,
    ) -> db::Result<Option<Webhook>> {
        sqlx::query!(
            "select webhook_id
            from webhook_endpoints
            where tenant_id = $1
                and webhook_id = $2
            for no key update",
            self.tenant().uuid(),
            webhook_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.find_webhook(webhook_id).await
    }

    /// Endpoints, oldest first.
    pub async fn list_webhooks(&mut self, keyset: Keyset) -> db::Result<Page<Webhook>> {
        let rows = sqlx::query_as!(
            Webhook,
            "select
                webhook_id,
                url,
                events,
                state,
                disabled_reason,
                failures,
                secret_number,
                previous_secret_until,
                created_by,
                created_at,
                updated_at
            from webhook_endpoints
            where tenant_id = $1
                and ($2::uuid is null or webhook_id > $2)
            order by webhook_id
            limit $3",
            self.tenant().uuid(),
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |webhook| webhook.webhook_id))
    }

    /// Enabled endpoints that want an event. They can not be deleted until the end of the transaction.
    pub(in crate::webhooks) async fn lock_subscribers(
        &mut self,
        event: &str,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select webhook_id
            from webhook_endpoints
            where tenant_id = $1
                and state = 'enabled'
                and $2 = any(events)
            order by webhook_id
            for key share",
            self.tenant().uuid(),
            event
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// How many endpoints the tenant has; who asks next waits until the end of this transaction.
    pub(in crate::webhooks) async fn count_webhooks(&mut self) -> db::Result<i64> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('webhook_endpoints ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from webhook_endpoints
            where tenant_id = $1"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores an endpoint.
    pub(in crate::webhooks) async fn insert_webhook(
        &mut self,
        webhook: &Webhook,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into webhook_endpoints (
                tenant_id,
                webhook_id,
                url,
                events,
                created_by,
                created_at,
                updated_at
            )
            values ($1, $2, $3, $4, $5, $6, $6)",
            self.tenant().uuid(),
            webhook.webhook_id,
            webhook.url,
            &webhook.events,
            webhook.created_by,
            webhook.created_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what somebody changed of an endpoint.
    pub(in crate::webhooks) async fn update_webhook(
        &mut self,
        webhook: &Webhook,
    ) -> db::Result<()> {
        sqlx::query!(
            "update webhook_endpoints
            set
                url = $3,
                events = $4,
                state = $5,
                disabled_reason = $6,
                failures = $7,
                secret_number = $8,
                previous_secret_until = $9,
                updated_at = $10
            where tenant_id = $1
                and webhook_id = $2",
            self.tenant().uuid(),
            webhook.webhook_id,
            webhook.url,
            &webhook.events,
            webhook.state,
            webhook.disabled_reason.as_deref(),
            webhook.failures,
            webhook.secret_number,
            webhook.previous_secret_until as Option<DateTime<Utc>>,
            webhook.updated_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes an endpoint and what it was told; false when there is none.
    pub(in crate::webhooks) async fn delete_webhook(
        &mut self,
        webhook_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from webhook_endpoints
            where tenant_id = $1
                and webhook_id = $2",
            self.tenant().uuid(),
            webhook_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The endpoint takes what it is sent.
    pub(in crate::webhooks) async fn forget_webhook_failures(
        &mut self,
        webhook_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update webhook_endpoints
            set failures = 0
            where tenant_id = $1
                and webhook_id = $2
                and failures > 0",
            self.tenant().uuid(),
            webhook_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Counts a delivery that was given up; how many there are in a row now.
    pub(in crate::webhooks) async fn count_webhook_failure(
        &mut self,
        webhook_id: Uuid,
    ) -> db::Result<Option<i32>> {
        let failures = sqlx::query_scalar!(
            "update webhook_endpoints
            set failures = failures + 1
            where tenant_id = $1
                and webhook_id = $2
            returning failures",
            self.tenant().uuid(),
            webhook_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(failures)
    }

    /// Switches an endpoint off; false when it is off already.
    pub(in crate::webhooks) async fn disable_webhook(
        &mut self,
        webhook_id: Uuid,
        reason: &str,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update webhook_endpoints
            set
                state = 'disabled',
                disabled_reason = $3
            where tenant_id = $1
                and webhook_id = $2
                and state = 'enabled'",
            self.tenant().uuid(),
            webhook_id,
            reason
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

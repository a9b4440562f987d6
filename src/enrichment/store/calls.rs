//! Calls of models that were reserved: rows of `quota_reservations` whose id has version 8. Whoever ends one locks its row before
//! those that count what was used.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// A call that was reserved.
#[derive(Clone, Copy, Debug)]
pub struct ReservedCall {
    /// Most tokens that it may use.
    pub reserved_tokens: i64,
    /// Whether it has ended.
    pub is_settled: bool,
    /// Whether it ended with what it used: it was given back otherwise, since nobody knew.
    pub is_counted: bool,
}

/// A call that nobody will end.
#[derive(Clone, Copy, Debug)]
pub struct LostCall {
    /// Call.
    pub call_id: Uuid,
    /// Collection of its document; absent when the document is gone or another call about it was made since.
    pub collection_id: Option<Uuid>,
}

impl TenantTx {
    /// A call that was reserved, locked until the transaction ends.
    pub(in crate::enrichment) async fn lock_reserved_call(
        &mut self,
        call_id: Uuid,
    ) -> db::Result<Option<ReservedCall>> {
        let call = sqlx::query_as!(
            ReservedCall,
            r#"select
                reserved_tokens,
                settled_at is not null as "is_settled!",
                settled_at is not null and provider is not null as "is_counted!"
            from quota_reservations
            where tenant_id = $1
                and run_id = $2
            for update"#,
            self.tenant().uuid(),
            call_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(call)
    }

    /// Calls that were reserved before so long and have not ended, of which no worker renews a lease.
    pub(in crate::enrichment) async fn list_lost_calls(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<LostCall>> {
        let calls = sqlx::query_as!(
            LostCall,
            r#"select
                r.run_id as "call_id!",
                e.collection_id as "collection_id?"
            from quota_reservations r
            left join enrichments e
                on e.tenant_id = r.tenant_id
                and e.call_id = r.run_id
            where r.tenant_id = $1
                and r.settled_at is null
                and uuid_extract_version(r.run_id) = 8
                and r.reserved_at <= now() - make_interval(secs => $2)
                and (e.lease_expires_at is null or e.lease_expires_at <= now())
            order by r.run_id
            limit $3"#,
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(calls)
    }
}

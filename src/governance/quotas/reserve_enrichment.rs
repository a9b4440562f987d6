//! Reserves what a model may use to write about a document: it counts in the tenant's quotas of tokens and of money as
//! answers do, and is no question and no answer that is being made. Nobody but the tenant is charged.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::reserve::{ReserveError, exceeded, places, used};
use super::{Estimate, Measure, Subject};
use crate::db::{self, TenantTx};
use crate::governance::store::quota_amounts::Observed;
use crate::kernel::ids::new_call_id;

/// Reserves what one call of a model may use, under an id of [`new_call_id`]. It is settled as a run is, by
/// `TenantTx::settle_quota`.
///
/// # Errors
/// See [`ReserveError`]; the transaction must not be committed then.
pub async fn reserve_enrichment(
    tx: &mut TenantTx,
    call_id: Uuid,
    estimate: Estimate,
    at: DateTime<Utc>,
) -> Result<(), ReserveError> {
    tx.insert_enrichment_reservation(call_id, estimate, at).await?;
    let tenant = (Subject::Tenant, tx.tenant().uuid());
    let mut limits = tx.list_limits_in_force(&[tenant]).await?;
    limits.retain(|limit| {
        let is_counted = matches!(limit.measure, Measure::Tokens | Measure::CostMicroUsd);
        is_counted && limit.hard_limit.is_some()
    });
    if limits.is_empty() {
        return Ok(());
    }
    let places = places(&limits, at);
    let counted = tx.lock_counted(&places).await?;
    // A statement of its own, as for a question.
    let open = tx.list_open(&places, call_id).await?;
    let full = limits
        .iter()
        .filter(|limit| limit.hard_limit.is_some_and(|most| used(limit, &counted, &open) >= most));
    // Who came back when the first of them is over would be refused by the next.
    match full.map(|limit| exceeded(limit, at)).max_by_key(|quota| quota.retry_after) {
        Some(last) => Err(ReserveError::Exceeded(last)),
        None => Ok(()),
    }
}

/// Counts what a call used that was settled before it came to its end, since its worker was taken for dead. Belongs near the end
/// of a transaction, as `TenantTx::settle_quota`.
///
/// # Errors
/// The database failed.
pub async fn count_late_enrichment(
    tx: &mut TenantTx,
    observed: &Observed,
    at: DateTime<Utc>,
) -> db::Result<()> {
    let call_id = new_call_id();
    tx.insert_enrichment_reservation(call_id, Estimate::default(), at).await?;
    tx.settle_quota(call_id, observed).await?;
    Ok(())
}

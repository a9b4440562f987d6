//! What a call of a model may use, before it is made, and what it did use, afterwards: by the budgets of collection and tenant,
//! and by the tenant's quotas. A call is made while something is left, so that a budget is passed by what the calls under way
//! use at most.

use std::time::Duration;

use uuid::Uuid;

use super::ask::Spent;
use super::error::WorkError;
use super::store::jobs::ClaimedDocument;
use super::work::Enrichment;
use crate::adapters::models::{Attempt, ModelUsage};
use crate::db::{self, TenantTx};
use crate::governance::{
    Estimate, Observed, ReserveError, count_late_enrichment, estimated_tokens, reserve_enrichment,
};
use crate::kernel::clock;
use crate::kernel::ids::{TenantId, new_call_id};

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// What the collection may use in this month.
    CollectionBudget,
    /// What the tenant may use in this month.
    TenantBudget,
    /// A quota of the tenant, which has something again in so long.
    TenantQuota(Duration),
}

impl UsedUp {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CollectionBudget => "collection_budget",
            Self::TenantBudget => "tenant_budget",
            Self::TenantQuota(_) => "tenant_quota",
        }
    }
}

/// A provider that may write.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Name in the settings.
    pub provider: String,
    /// Adapter.
    pub kind: String,
    /// Model.
    pub model: String,
}

impl Asked {
    /// What is to be priced before it is made.
    fn attempt(&self, usage: Option<ModelUsage>) -> Attempt {
        Attempt {
            provider: self.provider.clone(),
            kind: self.kind.clone(),
            model: self.model.clone(),
            mode: "started".to_owned(),
            outcome: "answered".to_owned(),
            status: None,
            first_token_ms: None,
            total_ms: 0,
            usage,
            guardrail: Vec::new(),
        }
    }
}

impl Enrichment {
    /// Reserves what a call may use; its id.
    ///
    /// # Errors
    /// Nothing is left, the collection was switched off, or the document is not ours any more.
    pub(super) async fn reserve(
        &self,
        tenant: TenantId,
        document: &ClaimedDocument,
        providers: &[Asked],
        prompt_chars: usize,
    ) -> Result<Uuid, WorkError> {
        let mut tx = self.db.tenant(tenant).await?;
        let switch = tx.find_enrichment_switch(document.collection_id).await?;
        let Some(switch) = switch.filter(|switch| switch.is_on) else {
            return Err(WorkError::Off);
        };
        let used = tx.find_monthly_tokens(document.collection_id).await?;
        let most = switch.monthly_tokens.unwrap_or(self.settings.collection_tokens);
        if used.of_collection >= most {
            return Err(WorkError::UsedUp(UsedUp::CollectionBudget));
        }
        if used.of_tenant >= self.settings.tenant_tokens {
            return Err(WorkError::UsedUp(UsedUp::TenantBudget));
        }
        // The collection before the document, as whoever indexes it locks them.
        tx.set_enrichment_wait(document.collection_id, None).await?;
        let call_id = new_call_id();
        if !tx.begin_enrichment_call(document, call_id, self.settings.lease).await? {
            return Err(WorkError::LeaseLost);
        }
        let output = i64::from(self.settings.lengths.output_tokens);
        let input = estimated_tokens(prompt_chars);
        let usage = ModelUsage::counted(input, output, 0, 0);
        let mut cost_micro_usd = 0;
        // Whoever of them will write: as much as the dearest whose price is known.
        for asked in providers {
            let price = tx.price_attempts(&[asked.attempt(usage)]).await?;
            cost_micro_usd = cost_micro_usd.max(price.unwrap_or(0));
        }
        let estimate = Estimate { tokens: input.saturating_add(output), cost_micro_usd };
        reserve_enrichment(&mut tx, call_id, estimate, clock::now()).await.map_err(|error| {
            match error {
                ReserveError::Exceeded(quota) => {
                    WorkError::UsedUp(UsedUp::TenantQuota(quota.retry_after))
                }
                ReserveError::Database(error) => error.into(),
            }
        })?;
        tx.commit().await?;
        Ok(call_id)
    }
}

/// Ends what a call reserved with what it used. Last in its transaction: the rows that count a tenant are locked from here on.
///
/// # Errors
/// The database failed.
pub async fn settle(
    tx: &mut TenantTx,
    collection_id: Uuid,
    call_id: Uuid,
    spent: &Spent,
) -> db::Result<()> {
    let reserved = tx.lock_reserved_call(call_id).await?;
    if reserved.is_some_and(|call| call.is_counted) {
        // By a transaction of which nobody heard that it was committed.
        return Ok(());
    }
    let cost = tx.price_attempts(&spent.attempts).await?;
    if let Some(call) = reserved.filter(|call| call.is_settled) {
        tx.count_unknown_call(collection_id, -1, -call.reserved_tokens).await?;
    }
    tx.count_enrichment_call(collection_id, spent.usage, cost).await?;
    let tokens = |count: u64| i64::try_from(count).ok();
    let observed = Observed {
        provider: Some(spent.provider.clone()),
        model: Some(spent.model.clone()),
        input_tokens: tokens(spent.usage.input_tokens),
        output_tokens: tokens(spent.usage.output_tokens),
        cost_micro_usd: cost,
    };
    if !tx.settle_quota(call_id, &observed).await? {
        // Given back when its worker was taken for dead. It was not, and the call is paid for.
        count_late_enrichment(tx, &observed, clock::now()).await?;
    }
    Ok(())
}

/// Gives back what a call reserved whose worker is gone. What it used nobody knows: in the budgets it counts as much as it
/// reserved, since a provider is paid for it all the same. True unless it had ended before. Last in its transaction, as above.
///
/// # Errors
/// The database failed.
pub async fn give_back(tx: &mut TenantTx, collection_id: Uuid, call_id: Uuid) -> db::Result<bool> {
    let reserved = tx.lock_reserved_call(call_id).await?;
    let Some(call) = reserved.filter(|call| !call.is_settled) else { return Ok(false) };
    tx.count_unknown_call(collection_id, 1, call.reserved_tokens).await?;
    tx.settle_quota(call_id, &Observed::default()).await
}

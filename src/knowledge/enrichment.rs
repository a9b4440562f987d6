//! Switches enrichment of a collection, by which a model writes about its documents, and sees to it that somebody looks after
//! the work. The work itself is a floor above.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::enrichment::EnrichmentSwitch;
use crate::db::{self, TenantTx};
use crate::identity::{Actor, Role};

/// Of documents that come into search one after the other, the work is looked after once in so long.
const AFTER_DOCUMENT: Duration = Duration::from_secs(1);

/// Name of the job that enriches the documents of a collection.
pub const ENRICH_COLLECTION: &str = "enrich_collection";

/// What to change of a collection's enrichment.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnrichmentChange {
    /// Whether it is on; as before when absent.
    pub is_on: Option<bool>,
    /// Tokens of a month: as before when absent, as many as the settings say when inside is nothing.
    pub monthly_tokens: Option<Option<i64>>,
}

/// Why it was not changed. The transaction must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum EnrichmentError {
    /// An editor tried to set what may be spent.
    #[error(
        "enrichment_monthly_tokens needs the role admin or owner; yours is {0}: leave it out, or ask an admin"
    )]
    NotManager(Role),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Switches enrichment of a collection, and sets what it may use in a month. What failed before is tried again when it is
/// switched on.
///
/// # Errors
/// See [`EnrichmentError`].
pub async fn change_enrichment(
    tx: &mut TenantTx,
    actor: &Actor,
    collection_id: Uuid,
    change: EnrichmentChange,
) -> Result<(), EnrichmentError> {
    if change.is_on.is_none() && change.monthly_tokens.is_none() {
        return Ok(());
    }
    if change.monthly_tokens.is_some() && actor.role < Role::Admin {
        return Err(EnrichmentError::NotManager(actor.role));
    }
    let Some(before) = tx.lock_enrichment_switch(collection_id).await? else { return Ok(()) };
    let after = EnrichmentSwitch {
        is_on: change.is_on.unwrap_or(before.is_on),
        monthly_tokens: change.monthly_tokens.unwrap_or(before.monthly_tokens),
    };
    if after == before {
        return Ok(());
    }
    tx.update_enrichment_switch(collection_id, after).await?;
    if after.is_on && !before.is_on {
        tx.retry_enrichments(collection_id).await?;
    }
    if after.is_on {
        tx.wake(ENRICH_COLLECTION, collection_id, Duration::ZERO).await?;
    }
    let entry = actor.audit("collection.enrichment_changed").on("collection", collection_id);
    tx.append_audit(entry.before(facts(before)).after(facts(after))).await?;
    Ok(())
}

/// Has a version that has just come into search enriched, where its collection is switched on.
///
/// # Errors
/// The database failed.
pub(super) async fn wake_enrichment(tx: &mut TenantTx, collection_id: Uuid) -> db::Result<()> {
    let switch = tx.find_enrichment_switch(collection_id).await?;
    if switch.is_some_and(|switch| switch.is_on) {
        tx.wake(ENRICH_COLLECTION, collection_id, AFTER_DOCUMENT).await?;
    }
    Ok(())
}

/// What the audit log tells of a switch.
fn facts(switch: EnrichmentSwitch) -> Value {
    json!({ "is_on": switch.is_on, "monthly_tokens": switch.monthly_tokens })
}

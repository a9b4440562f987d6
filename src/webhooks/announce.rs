//! Writes what is told, in the transaction of the event.

use serde_json::{Value, json};
use uuid::Uuid;

use super::deliver::DELIVER_WEBHOOK;
use crate::db::{self, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Events that an endpoint can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A version of a document came into search.
    DocumentReady,
    /// A version of a document was given up.
    DocumentFailed,
    /// A run of a source came to its end.
    SourceSynced,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::DocumentReady, Self::DocumentFailed, Self::SourceSynced];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentReady => "document.ready",
            Self::DocumentFailed => "document.failed",
            Self::SourceSynced => "source.synced",
        }
    }
}

/// Name of the event that somebody asks for to try an endpoint.
pub(super) const TEST: &str = "webhook.test";

/// Tells the endpoints that want to know. `data` holds ids and states, never a text of a document.
///
/// # Errors
/// The database failed.
pub async fn announce(tx: &mut TenantTx, event: Event, data: Value) -> db::Result<()> {
    let webhooks = tx.lock_subscribers(event.as_str()).await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    tell(tx, &webhooks, event.as_str(), data).await?;
    Ok(())
}

/// Writes one delivery for each endpoint, and asks for the work on it; the ids.
pub(super) async fn tell(
    tx: &mut TenantTx,
    webhooks: &[Uuid],
    event: &str,
    data: Value,
) -> db::Result<Vec<Uuid>> {
    let timestamp = clock::now().to_rfc3339();
    let payload = json!({ "type": event, "timestamp": timestamp, "data": data }).to_string();
    let ids: Vec<Uuid> = webhooks.iter().map(|_| new_id()).collect();
    tx.insert_deliveries(&ids, webhooks, event, &payload).await?;
    tx.enqueue_all(DELIVER_WEBHOOK, &ids).await?;
    Ok(ids)
}

//! The last messages of a session, kept near so that the next question needs no query for them.
//!
//! The copy carries the session's revision, which grows with each message in the transaction that stores it. A question
//! counts the revision up in its own transaction and learns from it whether the copy is the whole truth; any other copy,
//! or none, means that the rows are read. What a copy holds is what the rows hold: whether its reader may read it is asked
//! of each message when it is used. A copy of a session that is gone is found by nobody, since the question finds no row.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use super::store::messages::PastMessage;
use crate::adapters::cache::{Cache, CacheKey, Versioned};
use crate::kernel::ids::TenantId;
use crate::telemetry::metrics::metrics;
use crate::telemetry::traced;

/// Written into each copy: one of another form is not read.
const FORM: u32 = 1;

/// The copies.
#[derive(Clone)]
pub struct HotContexts {
    cache: Arc<dyn Cache>,
}

/// A copy of the last messages, before it is known whether it is still right.
#[derive(Debug)]
pub struct Recalled {
    revision: i64,
    stored: Stored,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    form: u32,
    /// Messages that were kept at most: fewer are all that there were.
    most: usize,
    /// Oldest first.
    messages: Vec<PastMessage>,
}

impl HotContexts {
    /// Copies that are kept there.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache }
    }

    /// The copy of a session, if there is one that can be read.
    pub async fn recall(&self, tenant: TenantId, session_id: Uuid) -> Option<Recalled> {
        let span = traced!("cache get", cache.hit = tracing::field::Empty);
        let found = self.read(tenant, session_id).instrument(span.clone()).await;
        span.record("cache.hit", found.is_some());
        metrics().cache_read(found.is_some());
        found
    }

    async fn read(&self, tenant: TenantId, session_id: Uuid) -> Option<Recalled> {
        let Versioned { version, value } =
            self.cache.get(&CacheKey::session(tenant, session_id)).await?;
        let stored: Stored = serde_json::from_slice(&value).ok()?;
        (stored.form == FORM).then_some(Recalled { revision: version, stored })
    }

    /// Keeps the last messages of a session, `most` of them, as they are at a revision; after the commit.
    pub async fn keep(
        &self,
        tenant: TenantId,
        session_id: Uuid,
        revision: i64,
        mut messages: Vec<PastMessage>,
        most: i64,
    ) {
        let most = usize::try_from(most).unwrap_or(0);
        messages.drain(..messages.len().saturating_sub(most));
        let stored = Stored { form: FORM, most, messages };
        match serde_json::to_vec(&stored) {
            Ok(value) => {
                let value = Versioned { version: revision, value };
                let key = CacheKey::session(tenant, session_id);
                self.cache.put(&key, value).instrument(traced!("cache put")).await;
            }
            Err(error) => tracing::debug!(%error, "a session was not kept near"),
        }
    }

    /// Forgets a session that was deleted.
    pub async fn forget(&self, tenant: TenantId, session_id: Uuid) {
        self.cache.remove(&CacheKey::session(tenant, session_id)).await;
    }
}

impl Recalled {
    /// The last messages, when the copy is of this revision and holds as many as are wanted.
    pub fn at(self, revision: i64, wanted: i64) -> Option<Vec<PastMessage>> {
        let wanted = usize::try_from(wanted).unwrap_or(0);
        let Stored { most, mut messages, .. } = self.stored;
        let is_whole = messages.len() < most;
        if self.revision != revision || !(is_whole || messages.len() >= wanted) {
            return None;
        }
        messages.drain(..messages.len().saturating_sub(wanted));
        Some(messages)
    }
}

//! Stores the events of all runs of this instance: those of one tenant that come while a transaction is under way go together
//! with the next. A thousand answers of a tenant cost a hundred transactions a second at most, instead of four each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::chat::store::run_events::RunAppend;
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;

/// Most runs whose events are stored at once.
const MOST_AT_ONCE: usize = 256;
/// Rest between two transactions of a tenant, in which more gathers: short beside the time in which a run's events do.
const REST: Duration = Duration::from_millis(10);

/// Events of one run that wait, and who waits for them.
struct Waiting {
    append: RunAppend,
    stored: oneshot::Sender<bool>,
}

/// What stores the events of an instance's runs.
pub(super) struct Recorder {
    db: Db,
    instance_id: Uuid,
    tasks: TaskTracker,
    /// Of tenants whose events are being stored: those that wait meanwhile.
    waiting: Mutex<HashMap<TenantId, Vec<Waiting>>>,
}

impl Recorder {
    pub fn new(db: Db, instance_id: Uuid, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self { db, instance_id, tasks, waiting: Mutex::default() })
    }

    /// Whether these were stored. If not, storing them alone tells why.
    pub async fn store(self: &Arc<Self>, tenant: TenantId, append: RunAppend) -> bool {
        let (stored, told) = oneshot::channel();
        let is_first = match self.waiting().entry(tenant) {
            Entry::Occupied(mut others) => {
                others.get_mut().push(Waiting { append, stored });
                false
            }
            Entry::Vacant(none) => {
                none.insert(vec![Waiting { append, stored }]);
                true
            }
        };
        if is_first {
            self.tasks.spawn(Arc::clone(self).work(tenant));
        }
        told.await.unwrap_or(false)
    }

    /// Stores what waits until nothing does.
    async fn work(self: Arc<Self>, tenant: TenantId) {
        while let Some((appends, told)) = self.next(tenant) {
            // Should it panic, each is tried alone all the same, and the next ones are not left to wait.
            let written = AssertUnwindSafe(self.write(tenant, &appends)).catch_unwind().await;
            let stored = written.unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_else(|error| {
                let (error, runs) = (&error as &dyn std::error::Error, appends.len());
                tracing::warn!(error, runs, "storing events of runs; each is tried alone");
                Vec::new()
            });
            for (append, told) in appends.iter().zip(told) {
                // Nobody listens any more where the task of a run has panicked.
                told.send(stored.contains(&append.run_id)).ok();
            }
            tokio::time::sleep(REST).await;
        }
    }

    async fn write(&self, tenant: TenantId, appends: &[RunAppend]) -> db::Result<Vec<Uuid>> {
        let mut tx = self.db.tenant_impatient(tenant).await?;
        let stored = tx.append_run_events(self.instance_id, appends).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// The next ones of a tenant; with the last, its place goes too.
    fn next(&self, tenant: TenantId) -> Option<(Vec<RunAppend>, Vec<oneshot::Sender<bool>>)> {
        let mut all = self.waiting();
        let Entry::Occupied(mut waiting) = all.entry(tenant) else { return None };
        if waiting.get().is_empty() {
            waiting.remove();
            return None;
        }
        let some = waiting.get().len().min(MOST_AT_ONCE);
        let next = waiting.get_mut().drain(..some);
        Some(next.map(|Waiting { append, stored }| (append, stored)).unzip())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TenantId, Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

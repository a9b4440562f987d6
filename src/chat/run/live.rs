//! The runs that this instance makes: so that readers here need no database, and so that they can be stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::RunLog;
use crate::kernel::ids::TenantId;

/// Why a run is stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// This instance ends.
    Interrupted,
    /// It is not this instance's any more: others ended it, or its session was deleted.
    Lost,
}

/// A run that goes on here.
#[derive(Clone, Debug)]
pub(super) struct LiveRun {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its events.
    pub log: Arc<RunLog>,
    stop: Arc<watch::Sender<Option<Stop>>>,
}

impl LiveRun {
    /// A run of which nothing has happened.
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, log: Arc::default(), stop: Arc::new(watch::Sender::new(None)) }
    }

    /// Stops it; the first reason counts.
    pub fn stop(&self, reason: Stop) {
        self.stop.send_if_modified(|stop| {
            let is_first = stop.is_none();
            stop.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until it is stopped.
    pub async fn stopped(&self) -> Stop {
        let mut stop = self.stop.subscribe();
        loop {
            if let Some(reason) = *stop.borrow_and_update() {
                return reason;
            }
            // The sender lives as long as this does.
            if stop.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// All runs that go on here.
#[derive(Debug, Default)]
pub(super) struct LiveRuns(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    runs: HashMap<Uuid, LiveRun>,
    /// Whether somebody keeps their leases.
    is_kept: bool,
    /// Whether this instance ends.
    is_closing: bool,
}

impl LiveRuns {
    /// Adds a run; true when the caller must see to it that the leases are kept.
    pub fn insert(&self, run_id: Uuid, run: LiveRun) -> bool {
        let mut inner = self.inner();
        if inner.is_closing {
            run.stop(Stop::Interrupted);
        }
        inner.runs.insert(run_id, run);
        !std::mem::replace(&mut inner.is_kept, true)
    }

    /// Forgets a run that is over.
    pub fn remove(&self, run_id: Uuid) {
        self.inner().runs.remove(&run_id);
    }

    /// A run of a tenant.
    pub fn get(&self, tenant: TenantId, run_id: Uuid) -> Option<LiveRun> {
        self.inner().runs.get(&run_id).filter(|run| run.tenant == tenant).cloned()
    }

    /// Ids of all; when there are none, whoever keeps the leases is free to go.
    pub fn ids_or_release(&self) -> Vec<Uuid> {
        let mut inner = self.inner();
        if inner.runs.is_empty() {
            inner.is_kept = false;
        }
        inner.runs.keys().copied().collect()
    }

    /// Stops one.
    pub fn stop(&self, run_id: Uuid, reason: Stop) {
        if let Some(run) = self.inner().runs.get(&run_id) {
            run.stop(reason);
        }
    }

    /// Stops all, and those that come.
    pub fn close(&self) -> usize {
        let mut inner = self.inner();
        inner.is_closing = true;
        inner.runs.values().for_each(|run| run.stop(Stop::Interrupted));
        inner.runs.len()
    }

    /// How many go on.
    pub fn len(&self) -> usize {
        self.inner().runs.len()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

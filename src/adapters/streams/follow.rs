//! Follows logs of other instances: one task and one connection for all of them, whatever the number of readers.
//!
//! Each followed log has a copy in this process, which the task fills and its readers read. The task waits in Redis for
//! whichever log gets an event first. A log that is to be followed from now on must not wait for the present wait to end,
//! so the task also waits for a stream of this process's own, to which is written then.

mod task;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::StreamKey;
use super::log::{Log, Tail};
use crate::adapters::redis::Redis;
use crate::kernel::ids::new_id;

/// The logs that are followed.
pub(super) struct Followed {
    redis: Redis,
    max_events: usize,
    process: Uuid,
    logs: Mutex<Logs>,
    /// Wakes the task when it has had nothing to follow.
    begun: Notify,
}

#[derive(Default)]
struct Logs {
    by_key: HashMap<StreamKey, Followee>,
    has_task: bool,
}

struct Followee {
    copy: Arc<Log>,
    /// Gone with the last tail.
    readers: Weak<Guard>,
    /// Whether the log has been seen in Redis, or was not there.
    is_known: bool,
}

/// Held by the tails of one log.
struct Guard {
    followed: Weak<Followed>,
    key: StreamKey,
}

impl Followed {
    pub fn new(redis: Redis, max_events: usize) -> Arc<Self> {
        Arc::new(Self {
            redis,
            max_events,
            process: new_id(),
            logs: Mutex::default(),
            begun: Notify::new(),
        })
    }

    pub fn count(&self) -> usize {
        self.logs().by_key.len()
    }

    /// A tail of the log. It is told within a second when the log is not there.
    pub async fn follow(self: &Arc<Self>, key: &StreamKey) -> Tail {
        let (tail, is_new) = self.find_or_begin(key);
        if is_new {
            self.begun.notify_one();
            // Failing, it costs the reader the rest of the present wait, and no event.
            let wake = wire::wake(self.process);
            let waking = |mut redis| async move { wake.query_async::<()>(&mut redis).await };
            if let Err(error) = self.redis.run(waking).await {
                tracing::debug!(%error, "the follower was not woken");
            }
        }
        tail
    }

    fn find_or_begin(self: &Arc<Self>, key: &StreamKey) -> (Tail, bool) {
        let mut logs = self.logs();
        if !logs.has_task {
            logs.has_task = true;
            // Ends by itself some time after the last reader.
            TaskTracker::new().spawn(task::run(Arc::clone(self)));
        }
        if let Some(followee) = logs.by_key.get(key).filter(|followee| !followee.copy.is_over())
            && let Some(guard) = followee.readers.upgrade()
        {
            return (Tail::new(Arc::clone(&followee.copy), Some(guard)), false);
        }
        let copy = Arc::new(Log::default());
        let guard = Arc::new(Guard { followed: Arc::downgrade(self), key: key.clone() });
        let followee =
            Followee { copy: Arc::clone(&copy), readers: Arc::downgrade(&guard), is_known: false };
        logs.by_key.insert(key.clone(), followee);
        (Tail::new(copy, Some(guard)), true)
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(followed) = self.followed.upgrade() else { return };
        let mut logs = followed.logs();
        // Another reader may have begun anew with a guard of its own.
        if logs.by_key.get(&self.key).is_some_and(|followee| followee.readers.strong_count() == 0) {
            logs.by_key.remove(&self.key);
        }
    }
}

//! The task that fills the copies. It ends when nothing has been followed for a while, and begins again with the next log.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::time::{Instant, timeout};

use super::{Followed, wire};
use crate::adapters::redis::RedisError;
use crate::adapters::streams::log::Log;
use crate::adapters::streams::{Entry, StreamKey};

/// How long the task stays without anything to follow.
const IDLE: Duration = Duration::from_secs(10);
/// Longest wait in Redis; as often it is looked whether the logs are still there.
const WAIT: Duration = Duration::from_secs(1);

pub(super) async fn run(followed: Arc<Followed>) {
    loop {
        if followed.count() == 0 {
            let begun = timeout(IDLE, followed.begun.notified()).await.is_ok();
            if !begun && followed.end_task() {
                return;
            }
            continue;
        }
        if let Err(error) = follow(&followed).await {
            tracing::debug!(%error, "logs of other instances are not followed");
            followed.lose_all();
        }
    }
}

/// Follows until there is nothing to follow.
async fn follow(followed: &Followed) -> Result<(), RedisError> {
    let mut connection = followed.redis.own_connection().await?;
    let patience = followed.redis.patience();
    let own = StreamKey::wake(followed.process);
    let mut woken = "0-0".to_owned();
    let mut looked = Instant::now();
    loop {
        let is_due = looked.elapsed() >= WAIT;
        if is_due {
            looked = Instant::now();
        }
        look(followed, &mut connection, is_due, patience).await?;
        let logs = followed.known();
        if logs.is_empty() && followed.count() == 0 {
            return Ok(());
        }
        let streams = std::iter::once((own.as_str(), woken.clone()))
            .chain(logs.iter().map(|(key, copy)| (key.as_str(), wire::id(copy.top()))));
        let command = wire::read(WAIT, streams);
        let reading = command.query_async::<wire::Reply>(&mut connection);
        let reply = timeout(WAIT + patience, reading)
            .await
            .map_err(|_| RedisError::Slow(WAIT + patience))??;
        for (key, mut found) in reply.unwrap_or_default() {
            if key == own.as_str() {
                woken = found.pop().map_or(woken, |(id, _)| id);
            } else if let Some((key, copy)) = logs.iter().find(|log| log.0.as_str() == key) {
                followed.fill(key, copy, wire::entries(found));
            }
        }
    }
}

/// Lets go of logs that are not there: all of them, or those that nobody has looked for yet.
async fn look(
    followed: &Followed,
    connection: &mut MultiplexedConnection,
    is_due: bool,
    patience: Duration,
) -> Result<(), RedisError> {
    let keys = followed.keys(is_due);
    if keys.is_empty() {
        return Ok(());
    }
    let asking = wire::types(keys.iter());
    let types = timeout(patience, asking.query_async::<Vec<String>>(connection))
        .await
        .map_err(|_| RedisError::Slow(patience))??;
    let (there, gone): (Vec<_>, Vec<_>) =
        keys.into_iter().zip(types).partition(|(_, found)| found == wire::STREAM);
    followed.seen(there.into_iter().map(|(key, _)| key));
    followed.lose(gone.into_iter().map(|(key, _)| key));
    Ok(())
}

impl Followed {
    /// Unless something has come to be followed.
    fn end_task(&self) -> bool {
        let mut logs = self.logs();
        let is_idle = logs.by_key.is_empty();
        logs.has_task = !is_idle;
        is_idle
    }

    fn keys(&self, also_known: bool) -> Vec<StreamKey> {
        let logs = self.logs();
        let asked = logs.by_key.iter().filter(|(_, log)| also_known || !log.is_known);
        asked.map(|(key, _)| key.clone()).collect()
    }

    fn known(&self) -> Vec<(StreamKey, Arc<Log>)> {
        let logs = self.logs();
        let known = logs.by_key.iter().filter(|(_, log)| log.is_known);
        known.map(|(key, log)| (key.clone(), Arc::clone(&log.copy))).collect()
    }

    fn seen(&self, keys: impl Iterator<Item = StreamKey>) {
        let mut logs = self.logs();
        for key in keys {
            if let Some(log) = logs.by_key.get_mut(&key) {
                log.is_known = true;
            }
        }
    }

    fn fill(&self, key: &StreamKey, copy: &Arc<Log>, entries: Option<Vec<Entry>>) {
        let filled = entries.map(|entries| copy.append(&entries, self.max_events, true));
        if !matches!(filled, Some(Ok(()))) {
            copy.lose();
        }
        if copy.is_over() {
            self.forget(key, copy);
        }
    }

    fn lose(&self, keys: impl Iterator<Item = StreamKey>) {
        let mut logs = self.logs();
        for key in keys {
            if let Some(log) = logs.by_key.remove(&key) {
                log.copy.lose();
            }
        }
    }

    fn lose_all(&self) {
        let all: HashSet<StreamKey> = self.logs().by_key.keys().cloned().collect();
        self.lose(all.into_iter());
    }

    fn forget(&self, key: &StreamKey, copy: &Arc<Log>) {
        let mut logs = self.logs();
        if logs.by_key.get(key).is_some_and(|log| Arc::ptr_eq(&log.copy, copy)) {
            logs.by_key.remove(key);
        }
    }
}

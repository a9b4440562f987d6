//! Logs in Redis Streams, for several instances. An entry's id is `<number>-0`, its one field is `event`, or `last` for the
//! last one.
//!
//! The writer's own process keeps its logs in memory too, so that its readers wait for nobody and do not notice when Redis
//! goes away. Readers of runs of other instances share one connection, see `follow`.

use std::sync::Arc;

use async_trait::async_trait;
use redis::Script;

use super::follow::Followed;
use super::local::LocalStreams;
use super::log::Tail;
use super::{Entry, EventStreams, StreamError, StreamKey, StreamSettings};
use crate::adapters::redis::Redis;

/// Logs for several instances. Cheap to clone.
#[derive(Clone)]
pub struct RedisStreams {
    redis: Redis,
    local: LocalStreams,
    followed: Arc<Followed>,
    append: Arc<Script>,
    settings: StreamSettings,
}

impl RedisStreams {
    /// Logs in this server.
    pub fn new(redis: Redis, settings: StreamSettings) -> Self {
        Self {
            followed: Followed::new(redis.clone(), settings.max_events),
            redis,
            local: LocalStreams::new(settings),
            append: Arc::new(Script::new(include_str!("append.lua"))),
            settings,
        }
    }

    /// Logs of other instances' runs that are followed now.
    pub fn followed(&self) -> usize {
        self.followed.count()
    }

    async fn tell(&self, key: &StreamKey, entries: &[Entry]) -> Result<(), StreamError> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let mut call = self.append.key(key.as_str());
        call.arg(first.number)
            .arg(u8::from(last.is_last))
            .arg(self.settings.max_events)
            .arg(u64::try_from(self.settings.ttl.as_millis()).unwrap_or(u64::MAX));
        for entry in entries {
            call.arg(&*entry.payload);
        }
        let asking =
            |mut connection| async move { call.invoke_async::<i64>(&mut connection).await };
        match self.redis.run(asking).await? {
            1 => Ok(()),
            -2 => Err(StreamError::Ended),
            _ => Err(StreamError::Lost),
        }
    }
}

#[async_trait]
impl EventStreams for RedisStreams {
    async fn append(&self, key: &StreamKey, entries: &[Entry]) -> Result<(), StreamError> {
        self.local.append_here(key, entries)?;
        self.tell(key, entries).await
    }

    async fn follow(&self, key: &StreamKey) -> Tail {
        match self.local.find(key) {
            Some(log) => Tail::new(log, None),
            None => self.followed.follow(key).await,
        }
    }
}

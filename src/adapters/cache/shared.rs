//! Copies in Redis, for several instances: a hash of version and value. The server evicts what it has no room for.

use std::sync::Arc;

use async_trait::async_trait;
use redis::{Script, cmd};

use super::{Cache, CacheKey, CacheSettings, Versioned};
use crate::adapters::redis::Redis;

/// Copies for several instances. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RedisCache {
    redis: Redis,
    put: Arc<Script>,
    settings: CacheSettings,
}

impl RedisCache {
    /// Copies in this server.
    pub fn new(redis: Redis, settings: CacheSettings) -> Self {
        Self { redis, put: Arc::new(Script::new(include_str!("put.lua"))), settings }
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &CacheKey) -> Option<Versioned> {
        let mut asking = cmd("HMGET");
        asking.arg(key.as_str()).arg("version").arg("value");
        // As bytes: what is no number is no copy, and no fault of the connection.
        match self.redis.query::<(Option<Vec<u8>>, Option<Vec<u8>>)>(asking).await {
            Ok((version, value)) => {
                let version = str::from_utf8(&version?).ok()?.parse().ok()?;
                Some(Versioned { version, value: value? })
            }
            Err(error) => {
                tracing::debug!(%error, "a copy was not read");
                None
            }
        }
    }

    async fn put(&self, key: &CacheKey, value: Versioned) {
        if value.value.len() > self.settings.max_value_bytes {
            return self.remove(key).await;
        }
        let mut call = self.put.key(key.as_str());
        call.arg(value.version)
            .arg(value.value)
            .arg(u64::try_from(self.settings.ttl.as_millis()).unwrap_or(u64::MAX));
        let storing =
            |mut connection| async move { call.invoke_async::<i64>(&mut connection).await };
        if let Err(error) = self.redis.run(storing).await {
            tracing::debug!(%error, "a copy was not stored");
        }
    }

    async fn remove(&self, key: &CacheKey) {
        let mut removing = cmd("DEL");
        removing.arg(key.as_str());
        if let Err(error) = self.redis.query::<i64>(removing).await {
            tracing::debug!(%error, "a copy was not removed");
        }
    }
}

//! Counting in Redis or Valkey, for all instances together: one key for each subject, one script for each request.

use redis::Script;

use super::gcra::{Taken, Use};
use super::{Limit, LimitKey, Quota, Subject};
use crate::adapters::redis::{Redis, RedisError};

/// A server that counts.
#[derive(Debug)]
pub struct SharedLimits {
    redis: Redis,
    script: Script,
}

impl SharedLimits {
    /// Counts in this server.
    pub fn new(redis: Redis) -> Self {
        Self { redis, script: Script::new(include_str!("gcra.lua")) }
    }

    /// Takes or charges; `None` while the server is away.
    pub async fn apply(&self, key: &LimitKey, quota: Quota, used_as: Use) -> Option<Taken> {
        match self.run(key, quota, used_as, None).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                if let RedisError::Command(_) = error {
                    tracing::warn!(%error, "a limit is counted by this instance alone");
                }
                None
            }
        }
    }

    /// Whether the server counts now.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<(), RedisError> {
        self.redis.check().await?;
        let trial = LimitKey::new(Limit::Address, None, Subject::Whole);
        let quota = Quota { per_minute: 60, burst: 1 };
        self.run(&trial, quota, Use::Charge(1), None).await.map(drop)
    }

    /// The script at a time in microseconds; the server's own when absent.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub async fn apply_at(
        &self,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
        now: u64,
    ) -> Result<Taken, RedisError> {
        self.run(key, quota, used_as, Some(now)).await
    }

    async fn run(
        &self,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
        now: Option<u64>,
    ) -> Result<Taken, RedisError> {
        let mut call = self.script.key(key.as_str());
        call.arg(quota.interval())
            .arg(quota.burst.max(1))
            .arg(used_as.units())
            .arg(u8::from(matches!(used_as, Use::Charge(_))))
            .arg(now.map_or(String::new(), |now| now.to_string()));
        let counting =
            |mut connection| async move { call.invoke_async::<(u8, u64)>(&mut connection).await };
        let (allowed, used) = self.redis.run(counting).await?;
        Ok(Taken::new(allowed == 1, used, quota))
    }
}

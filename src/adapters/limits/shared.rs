//! Counting in Redis or Valkey, for all instances together: one key for each subject, one script for all that a request
//! counts for.

use std::time::Duration;

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

    /// Takes or charges for each key in turn, up to the first that refuses, in one round trip; `None` while the server is
    /// away. In a cluster the keys must be of one tenant.
    pub async fn apply(&self, asked: &[(&LimitKey, Quota)], used_as: Use) -> Option<Vec<Taken>> {
        let told = or_away(self.run(asked, used_as, None).await)?;
        (told.is_empty() == asked.is_empty()).then_some(told)
    }

    /// Takes one of the attempts that come back one by one after an interval; how long until there is one again. `None`
    /// while the server is away.
    pub async fn take_attempt(
        &self,
        key: &str,
        burst: u32,
        interval: Duration,
    ) -> Option<Result<(), Duration>> {
        let asked = Asked::attempt(key, burst, interval, 1);
        let interval = asked.interval;
        let tolerance = interval * u64::from(asked.burst);
        let told = or_away(self.ask(&[asked], None).await)?;
        told.first().map(|(is_allowed, used)| match is_allowed {
            true => Ok(()),
            false => Err(Duration::from_micros((used + interval).saturating_sub(tolerance))),
        })
    }

    /// Gives an attempt back.
    pub async fn give_back_attempt(&self, key: &str, burst: u32, interval: Duration) {
        let asked = Asked::attempt(key, burst, interval, -1);
        or_away(self.ask(&[asked], None).await);
    }

    /// Whether the server counts now.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<(), RedisError> {
        self.redis.check().await?;
        let trial = LimitKey::new(Limit::Address, None, Subject::Whole);
        let quota = Quota { per_minute: 60, burst: 1 };
        self.run(&[(&trial, quota)], Use::Charge(1), None).await.map(drop)
    }

    /// The script for one key at a time in microseconds.
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
        let told = self.run(&[(key, quota)], used_as, Some(now)).await?;
        told.first().copied().ok_or(RedisError::Away)
    }

    async fn run(
        &self,
        asked: &[(&LimitKey, Quota)],
        used_as: Use,
        now: Option<u64>,
    ) -> Result<Vec<Taken>, RedisError> {
        let each: Vec<Asked<'_>> =
            asked.iter().map(|(key, quota)| Asked::limit(key, *quota, used_as)).collect();
        let told = self.ask(&each, now).await?;
        let taken = told.into_iter().zip(asked);
        Ok(taken.map(|((allowed, used), (_, quota))| Taken::new(allowed, used, *quota)).collect())
    }

    /// What the script says of each key up to the first that refuses: at least of one.
    async fn ask(
        &self,
        asked: &[Asked<'_>],
        now: Option<u64>,
    ) -> Result<Vec<(bool, u64)>, RedisError> {
        let mut call = self.script.prepare_invoke();
        call.arg(now.map_or(String::new(), |now| now.to_string()));
        for one in asked {
            call.key(one.key);
            call.arg(one.interval).arg(one.burst).arg(one.units).arg(u8::from(one.charges));
        }
        let counting =
            |mut connection| async move { call.invoke_async::<Vec<u64>>(&mut connection).await };
        let told = self.redis.run(counting).await?;
        Ok(told.chunks_exact(2).map(|pair| (pair[0] == 1, pair[1])).collect())
    }
}

/// What the script is asked of one key.
struct Asked<'a> {
    key: &'a str,
    /// Microseconds.
    interval: u64,
    burst: u32,
    units: i64,
    charges: bool,
}

impl<'a> Asked<'a> {
    fn limit(key: &'a LimitKey, quota: Quota, used_as: Use) -> Self {
        Self {
            key: key.as_str(),
            interval: quota.interval(),
            burst: quota.burst.max(1),
            units: used_as.units().into(),
            charges: matches!(used_as, Use::Charge(_)),
        }
    }

    fn attempt(key: &'a str, burst: u32, interval: Duration, units: i64) -> Self {
        let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        // Numbers of Lua hold 53 bits.
        let interval = interval.clamp(1, (1 << 52) / u64::from(burst.max(1)));
        Self { key, interval, burst: burst.max(1), units, charges: units < 0 }
    }
}

/// The answer, where the server gave one.
fn or_away<T>(told: Result<T, RedisError>) -> Option<T> {
    told.inspect_err(|error| {
        if let RedisError::Command(_) = error {
            tracing::warn!(%error, "a limit is counted by this instance alone");
        }
    })
    .ok()
}

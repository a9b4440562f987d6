//! Rate limits: how often somebody may do something, counted by all instances together in Redis, or by this one alone.
//!
//! Called by the server's layers for addresses and by the verification of callers. While Redis is away each instance lets
//! through its share of a limit: nobody is let in without limit, and nobody is kept out. It decides nothing about whom to
//! count, and knows no request.

mod gcra;
mod key;
mod local;
mod quota;
mod shared;

use std::sync::Arc;
use std::time::Instant;

pub use gcra::{Taken, Use, decide};
pub use key::{LimitKey, Subject};
pub use local::{LocalLimits, REMEMBERED};
pub use quota::{Limit, Quota, Quotas};
pub use shared::SharedLimits;

use super::redis::{Redis, RedisError};

/// What the limits are and where they are counted.
#[derive(Clone, Debug)]
pub struct LimiterSettings {
    /// How much each limit lets through.
    pub quotas: Quotas,
    /// Redis or Valkey; absent: this process counts alone.
    pub redis: Option<Redis>,
    /// Instances that share the limits while Redis is away.
    pub instances: u32,
}

/// The limits of the service.
#[derive(Clone, Debug)]
pub struct RateLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    quotas: Quotas,
    instances: u32,
    shared: Option<SharedLimits>,
    local: LocalLimits,
    began: Instant,
}

/// What became of a request, and by which limit.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The limit.
    pub limit: Limit,
    /// What it lets through, here and now.
    pub quota: Quota,
    /// What became of the request.
    pub taken: Taken,
}

impl Decision {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.taken.is_allowed
    }

    /// Whole seconds after which a refused request may come again; at least one.
    pub fn retry_after_seconds(&self) -> u64 {
        u64::try_from(self.taken.retry_after.as_micros().div_ceil(1_000_000)).unwrap_or(1).max(1)
    }
}

impl RateLimiter {
    /// Limits that nobody has used yet. Redis is asked with the first request.
    pub fn new(settings: LimiterSettings) -> Self {
        let LimiterSettings { quotas, redis, instances } = settings;
        Self(Arc::new(Inner {
            quotas,
            instances,
            shared: redis.map(SharedLimits::new),
            local: LocalLimits::default(),
            began: Instant::now(),
        }))
    }

    /// Takes one unit, or says when to come again.
    pub async fn take(&self, key: &LimitKey) -> Decision {
        self.apply(key, Use::Take).await
    }

    /// Takes one unit for each key of a tenant, in one round trip. The first that is used up refuses and is the last in the
    /// list: those behind it lose nothing.
    pub async fn take_all(&self, keys: &[LimitKey]) -> Vec<Decision> {
        self.apply_all(keys, Use::Take).await
    }

    /// Takes units for what has happened already, as many as are left.
    pub async fn charge(&self, key: &LimitKey, units: u32) -> Decision {
        self.apply(key, Use::Charge(units)).await
    }

    /// Whether Redis counts; nothing to check where there is none.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<bool, RedisError> {
        match &self.0.shared {
            Some(shared) => shared.check().await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn apply(&self, key: &LimitKey, used_as: Use) -> Decision {
        let mut decisions = self.apply_all(std::slice::from_ref(key), used_as).await;
        match decisions.pop() {
            Some(decision) => decision,
            None => self.0.apply_here(key, used_as),
        }
    }

    async fn apply_all(&self, keys: &[LimitKey], used_as: Use) -> Vec<Decision> {
        let inner = &*self.0;
        let asked: Vec<(&LimitKey, Quota)> =
            keys.iter().map(|key| (key, inner.quotas.of(key.limit()))).collect();
        let told = match &inner.shared {
            Some(shared) => shared.apply(&asked, used_as).await,
            None => None,
        };
        let Some(told) = told else { return inner.apply_all_here(keys, used_as) };
        let decisions = told.into_iter().zip(asked).map(|(taken, (key, quota))| {
            // Noted here too: who has used much is not given a new burst when Redis goes away.
            if taken.is_allowed {
                let share = quota.share(inner.instances);
                inner.local.apply(key, share, Use::Charge(used_as.units()), inner.now());
            }
            Decision { limit: key.limit(), quota, taken }
        });
        decisions.collect()
    }
}

impl Inner {
    /// Microseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX / 2)
    }

    fn apply_all_here(&self, keys: &[LimitKey], used_as: Use) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(keys.len());
        for key in keys {
            let decision = self.apply_here(key, used_as);
            decisions.push(decision);
            if !decision.is_allowed() {
                break;
            }
        }
        decisions
    }

    /// By this process alone: the whole limit where there is no Redis, its share while Redis is away.
    fn apply_here(&self, key: &LimitKey, used_as: Use) -> Decision {
        let instances = if self.shared.is_some() { self.instances } else { 1 };
        let (limit, quota) = (key.limit(), self.quotas.of(key.limit()).share(instances));
        Decision { limit, quota, taken: self.local.apply(key, quota, used_as, self.now()) }
    }
}

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
use std::time::{Duration, Instant};

use secrecy::SecretString;

pub use gcra::{Taken, Use, decide};
pub use key::{LimitKey, Subject};
pub use local::{LocalLimits, REMEMBERED};
pub use quota::{Limit, Quota, Quotas};
pub use shared::{SharedError, SharedLimits, TRY_EVERY};

/// What the limits are and where they are counted.
#[derive(Clone, Debug)]
pub struct LimiterSettings {
    /// How much each limit lets through.
    pub quotas: Quotas,
    /// Address of Redis or Valkey; absent: this process counts alone.
    pub redis_url: Option<SecretString>,
    /// Longest wait for Redis.
    pub redis_timeout: Duration,
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
    shared: Option<Arc<SharedLimits>>,
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
    ///
    /// # Errors
    /// The address of Redis can not be read.
    pub fn new(settings: LimiterSettings) -> Result<Self, SharedError> {
        let LimiterSettings { quotas, redis_url, redis_timeout, instances } = settings;
        let shared = redis_url.map(|url| SharedLimits::new(&url, redis_timeout)).transpose()?;
        Ok(Self(Arc::new(Inner {
            quotas,
            instances,
            shared: shared.map(Arc::new),
            local: LocalLimits::default(),
            began: Instant::now(),
        })))
    }

    /// Takes one unit, or says when to come again.
    pub async fn take(&self, key: &LimitKey) -> Decision {
        self.apply(key, Use::Take).await
    }

    /// Takes units for what has happened already, as many as are left.
    pub async fn charge(&self, key: &LimitKey, units: u32) -> Decision {
        self.apply(key, Use::Charge(units)).await
    }

    /// Whether Redis counts; nothing to check where there is none.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<bool, SharedError> {
        match &self.0.shared {
            Some(shared) => shared.check().await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn apply(&self, key: &LimitKey, used_as: Use) -> Decision {
        let inner = &*self.0;
        let (limit, quota) = (key.limit(), inner.quotas.of(key.limit()));
        let now = u64::try_from(inner.began.elapsed().as_micros()).unwrap_or(u64::MAX / 2);
        let Some(shared) = &inner.shared else {
            return Decision { limit, quota, taken: inner.local.apply(key, quota, used_as, now) };
        };
        let share = quota.share(inner.instances);
        let Some(taken) = shared.apply(key, quota, used_as).await else {
            let taken = inner.local.apply(key, share, used_as, now);
            return Decision { limit, quota: share, taken };
        };
        // Noted here too: who has used much is not given a new burst when Redis goes away.
        if taken.is_allowed {
            inner.local.apply(key, share, Use::Charge(used_as.units()), now);
        }
        Decision { limit, quota, taken }
    }
}

//! Rate limits: counted together in a real Valkey, alone while it is away, told to clients, and not to be fooled.

mod abuse;
mod addresses;
mod callers;
mod hashing;
mod keys;
mod latency;
mod outages;
mod public;
mod shared;

use std::time::Duration;

use pidima::adapters::limits::{
    Limit, LimitKey, LimiterSettings, Quota, Quotas, RateLimiter, Subject,
};
use pidima::adapters::redis::Redis;
use pidima::kernel::ids::{TenantId, new_id};

use crate::support::services;

/// Long enough that a busy machine does not look like a dead server.
const PATIENT: Duration = Duration::from_secs(5);

/// Limits of one quota each, counted at an address.
fn limiter(url: Option<&str>, quota: Quota, instances: u32, patience: Duration) -> RateLimiter {
    let redis = url.map(|url| Redis::new(&url.to_owned().into(), patience).unwrap());
    RateLimiter::new(LimiterSettings { quotas: Quotas::new(|_| quota), redis, instances })
}

/// The Valkey that all tests share. What is counted there is about subjects that no other test has.
fn valkey() -> String {
    services().valkey.unwrap()
}

/// A subject that nobody else has.
fn somebody() -> LimitKey {
    LimitKey::new(Limit::Caller, Some(TenantId::generate()), Subject::Id(new_id()))
}

/// How many of so many requests in a row may go on.
async fn passed(limiter: &RateLimiter, key: &LimitKey, tries: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..tries {
        passed += u32::from(limiter.take(key).await.is_allowed());
    }
    passed
}

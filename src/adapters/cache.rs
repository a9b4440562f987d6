//! Values by key, each with a version, kept for a while: copies of what rows hold, for whoever can tell from a row at hand
//! whether the copy is still right.
//!
//! A cache never fails: what it does not give (never stored, too old, evicted, or Redis is away) is read from the rows.
//! [`RedisCache`] serves several instances, [`LocalCache`] one.

mod key;
mod local;
mod shared;

use std::time::Duration;

use async_trait::async_trait;

pub use key::CacheKey;
pub use local::LocalCache;
pub use shared::RedisCache;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// How long a value stays after it was stored.
    pub ttl: Duration,
    /// Longest value; a longer one is not stored.
    pub max_value_bytes: usize,
    /// All values together, where they are kept in the process; those unused for longest go first.
    pub max_bytes: usize,
}

/// A value and the version of the row that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Grows with each change of the row.
    pub version: i64,
    /// The value, as its maker writes it.
    pub value: Vec<u8>,
}

/// Where copies are kept.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value of a key.
    async fn get(&self, key: &CacheKey) -> Option<Versioned>;

    /// Stores a value, unless one that is as new is there.
    async fn put(&self, key: &CacheKey, value: Versioned);

    /// Forgets a key.
    async fn remove(&self, key: &CacheKey);
}

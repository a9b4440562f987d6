//! Tries at one account, counted by all instances together where there is Redis: an attacker who goes to each of many
//! instances must not have the tries of each. While Redis is away every instance counts alone, and what was counted together
//! counts there too. `accounts` asks it before a password is hashed.

use std::time::Duration;

use super::throttle::{Rate, Throttle};
use crate::adapters::limits::SharedLimits;
use crate::adapters::redis::Redis;

/// Budgets of one rate, by a digest of whom they are for.
#[derive(Debug)]
pub struct SharedThrottle {
    rate: Rate,
    local: Throttle<[u8; 32]>,
    shared: Option<SharedLimits>,
}

impl SharedThrottle {
    /// Budgets that are all whole; of this process alone without Redis.
    pub fn new(rate: Rate, redis: Option<Redis>) -> Self {
        Self { rate, local: Throttle::new(rate), shared: redis.map(SharedLimits::new) }
    }

    /// Takes one try.
    ///
    /// # Errors
    /// How long until there is one again.
    pub async fn take(&self, key: [u8; 32]) -> Result<(), Duration> {
        let Rate { burst, interval } = self.rate;
        if let Some(shared) = &self.shared
            && let Some(taken) = shared.take_attempt(&name(key), burst, interval).await
        {
            if taken.is_ok() {
                // Whether this instance would have refused does not matter while all count together.
                let _noted = self.local.take(key);
            }
            return taken;
        }
        self.local.take(key)
    }

    /// Gives one try back: it was not one that counts.
    pub async fn give_back(&self, key: [u8; 32]) {
        self.local.give_back(key);
        if let Some(shared) = &self.shared {
            let Rate { burst, interval } = self.rate;
            shared.give_back_attempt(&name(key), burst, interval).await;
        }
    }
}

/// The key in Redis, in which no text of anybody stands.
fn name(key: [u8; 32]) -> String {
    format!("pidima:attempts:{{login:{}}}", hex::encode(key))
}

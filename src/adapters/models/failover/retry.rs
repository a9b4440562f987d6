//! How often and when a provider is asked again before it has said anything: a growing, random wait, and a budget that all
//! calls share, so that a provider in trouble is not asked twice as much for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a provider is asked again.
#[derive(Debug, Clone, Copy)]
pub struct RetrySettings {
    /// Tries of one provider, the first included.
    pub tries: u32,
    /// Longest wait before the second try; it doubles with each further one.
    pub base: Duration,
    /// Longest wait of all. A server that asks for a longer one is not asked again.
    pub cap: Duration,
    /// Retries for each hundred calls.
    pub budget_percent: u32,
    /// Retries that are there without any call before.
    pub burst: u32,
}

impl RetrySettings {
    /// The wait before a retry, counted from 1: anything from nothing to the bound, by `chance` from 0 to 1.
    pub fn backoff(&self, retry: u32, chance: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(retry.saturating_sub(1));
        self.base.saturating_mul(doubled).min(self.cap).mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// A bucket of retries. Each call puts in a part of one, each retry takes out one.
#[derive(Debug)]
pub struct RetryBudget {
    /// In hundredths of a retry.
    held: Mutex<u64>,
    each_call: u64,
    most: u64,
}

impl RetryBudget {
    /// A full bucket.
    pub fn new(settings: &RetrySettings) -> Self {
        let most = u64::from(settings.burst) * 100;
        Self { held: Mutex::new(most), each_call: u64::from(settings.budget_percent), most }
    }

    /// A call is made.
    pub fn call(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (*held + self.each_call).min(self.most);
    }

    /// Whether a retry may be made; it is taken out then.
    pub fn take(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = *held >= 100;
        if is_there {
            *held -= 100;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: RetrySettings = RetrySettings {
        tries: 3,
        base: Duration::from_millis(200),
        cap: Duration::from_secs(5),
        budget_percent: 10,
        burst: 10,
    };

    #[test]
    fn the_bound_of_the_wait_doubles_up_to_the_cap() {
        let bounds: Vec<u128> =
            (1..=8).map(|retry| SETTINGS.backoff(retry, 1.0).as_millis()).collect();
        assert_eq!(bounds, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(SETTINGS.backoff(u32::MAX, 1.0), SETTINGS.cap);
        assert_eq!(SETTINGS.backoff(3, 0.0), Duration::ZERO);
        assert_eq!(SETTINGS.backoff(2, 0.5), Duration::from_millis(200));
    }

    #[test]
    fn a_budget_of_nothing_admits_no_retry() {
        let none = RetryBudget::new(&RetrySettings { burst: 0, ..SETTINGS });
        none.call();
        assert!(!none.take());
    }

    proptest! {
        #[test]
        fn retries_are_never_more_than_the_burst_and_a_tenth_of_the_calls(
            steps in prop::collection::vec(any::<bool>(), 0..2_000)
        ) {
            let budget = RetryBudget::new(&SETTINGS);
            let (mut calls, mut retries) = (0_u64, 0_u64);
            for is_call in steps {
                if is_call {
                    budget.call();
                    calls += 1;
                } else if budget.take() {
                    retries += 1;
                }
                prop_assert!(retries * 100 <= 1_000 + calls * 10, "{} of {}", retries, calls);
            }
        }
    }
}

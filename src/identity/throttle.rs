//! How often somebody may try, by the generic cell rate algorithm: a burst at once, then one more after each interval.
//! Of this process alone, and bounded: `accounts` asks it before a password is hashed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys remembered at once. Beyond it the others share one budget, so that memory stays bounded and nobody gets past.
const REMEMBERED: usize = 100_000;

/// How often whole budgets are looked for when there are as many keys as may be.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A burst and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tries at once.
    pub burst: u32,
    /// Time after which there is one more.
    pub interval: Duration,
}

/// Budgets of one rate, by key.
#[derive(Debug)]
pub struct Throttle<K> {
    rate: Rate,
    most: usize,
    budgets: Mutex<Budgets<K>>,
}

#[derive(Debug)]
struct Budgets<K> {
    /// When a key's budget will be whole again; no key is the shared one.
    whole_at: HashMap<Option<K>, Instant>,
    /// When whole budgets were last forgotten.
    swept: Option<Instant>,
}

impl<K: Hash + Eq> Throttle<K> {
    /// Budgets that are all whole.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            most: REMEMBERED,
            budgets: Mutex::new(Budgets { whole_at: HashMap::new(), swept: None }),
        }
    }

    /// Takes one try.
    ///
    /// # Errors
    /// How long until there is one again.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        self.take_at(key, Instant::now())
    }

    /// Gives one try back: it was not one that counts.
    pub fn give_back(&self, key: K) {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = budgets.whole_at.entry(Some(key)) {
            match entry.get().checked_sub(self.rate.interval) {
                Some(earlier) if earlier > Instant::now() => *entry.get_mut() = earlier,
                _ => drop(entry.remove()),
            }
        }
    }

    fn take_at(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(key);
        if budgets.whole_at.len() >= self.most && !budgets.whole_at.contains_key(&key) {
            budgets.sweep(now);
            if budgets.whole_at.len() >= self.most {
                key = None;
            }
        }
        let whole_at = &mut budgets.whole_at;
        let from = whole_at.get(&key).copied().unwrap_or(now).max(now);
        let then = from + self.rate.interval;
        let most = self.rate.interval.saturating_mul(self.rate.burst);
        let over = then.saturating_duration_since(now).saturating_sub(most);
        if over > Duration::ZERO {
            return Err(over);
        }
        whole_at.insert(key, then);
        Ok(())
    }
}

impl<K: Hash + Eq> Budgets<K> {
    /// Forgets what is whole, at most once a second: a flood of new keys must not make each of them walk over all.
    fn sweep(&mut self, now: Instant) {
        let is_due = self.swept.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP_EVERY);
        if is_due {
            self.whole_at.retain(|_, at| *at > now);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(20) };

    #[test]
    fn a_burst_then_one_an_interval() {
        let throttle = Throttle::new(RATE);
        let start = Instant::now();
        for _ in 0..3 {
            throttle.take_at("a", start).expect("within the burst");
        }
        assert_eq!(throttle.take_at("a", start), Err(Duration::from_secs(20)));
        throttle.take_at("b", start).expect("a key of its own");
        let later = start + Duration::from_secs(19);
        assert_eq!(throttle.take_at("a", later), Err(Duration::from_secs(1)));
        throttle.take_at("a", start + Duration::from_secs(20)).expect("one more");
        assert!(throttle.take_at("a", start + Duration::from_secs(20)).is_err());
        let rested = start + Duration::from_secs(1_000);
        for _ in 0..3 {
            throttle.take_at("a", rested).expect("the whole burst again");
        }
        assert!(throttle.take_at("a", rested).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let throttle = Throttle::new(RATE);
        for _ in 0..100 {
            throttle.take("a").expect("given back each time");
            throttle.give_back("a");
        }
        for _ in 0..3 {
            throttle.take("a").expect("within the burst");
        }
        throttle.take("a").expect_err("used up");
        throttle.give_back("a");
        throttle.take("a").expect("one was given back");
        throttle.take("a").expect_err("used up again");
    }

    #[test]
    fn keys_beyond_the_most_share_one_budget() {
        let throttle = Throttle { most: 10, ..Throttle::new(RATE) };
        let start = Instant::now();
        for key in 0..10 {
            throttle.take_at(key, start).expect("remembered");
        }
        for key in 10..13 {
            throttle.take_at(key, start).expect("the shared budget");
        }
        throttle.take_at(13, start).expect_err("the shared budget is used up");
        assert!(throttle.budgets.lock().expect("no panic").whole_at.len() <= 11);
        throttle.take_at(3, start).expect("a remembered key has its own");
        throttle.take_at(99, start + Duration::from_secs(100)).expect("there is place again");
    }
}

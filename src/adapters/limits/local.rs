//! Counting within this process: the whole limit where there is no Redis, this instance's share while Redis is away.
//! Bounded: a flood of new subjects makes it forget those that are nearest to being forgotten anyway.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::gcra::{Taken, Use, decide};
use super::{LimitKey, Quota};

/// Subjects remembered at once, at most: some 20 MB.
pub const REMEMBERED: usize = 100_000;
/// The part of them that goes when they are too many.
const FORGOTTEN_AT_ONCE: usize = REMEMBERED / 10;
/// Microseconds between two looks for what is over.
const SWEEP_EVERY: u64 = 60_000_000;

/// The counts.
#[derive(Debug, Default)]
pub struct LocalLimits(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    times: HashMap<String, u64>,
    swept_at: u64,
}

impl LocalLimits {
    /// Takes or charges at a time in microseconds.
    pub fn apply(&self, key: &LimitKey, quota: Quota, used_as: Use, now: u64) -> Taken {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(counts.swept_at) >= SWEEP_EVERY {
            counts.sweep(now);
        }
        let stored = counts.times.get(key.as_str()).copied();
        let (time, taken) = decide(stored, now, quota, used_as);
        if let Some(slot) = counts.times.get_mut(key.as_str()) {
            *slot = time;
        } else {
            counts.make_room(now);
            counts.times.insert(key.as_str().to_owned(), time);
        }
        taken
    }

    /// Subjects that are remembered.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).times.len()
    }

    /// Whether nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Counts {
    fn sweep(&mut self, now: u64) {
        self.times.retain(|_, time| *time > now);
        self.times.shrink_to(REMEMBERED / 10);
        self.swept_at = now;
    }

    fn make_room(&mut self, now: u64) {
        if self.times.len() < REMEMBERED {
            return;
        }
        self.sweep(now);
        if self.times.len() < REMEMBERED {
            return;
        }
        // Who has used least loses least by being forgotten.
        let mut times: Vec<u64> = self.times.values().copied().collect();
        let (_, pivot, _) = times.select_nth_unstable(FORGOTTEN_AT_ONCE);
        let pivot = *pivot;
        let mut left = FORGOTTEN_AT_ONCE;
        self.times.retain(|_, time| {
            let goes = *time <= pivot && left > 0;
            left -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::limits::{Limit, Subject};
    use crate::kernel::ids::new_id;

    const QUOTA: Quota = Quota { per_minute: 60, burst: 2 };

    fn somebody() -> LimitKey {
        LimitKey::new(Limit::Caller, None, Subject::Id(new_id()))
    }

    #[test]
    fn a_flood_of_new_subjects_is_bounded_and_those_who_used_most_stay_counted() {
        let limits = LocalLimits::default();
        let noisy = somebody();
        limits.apply(&noisy, QUOTA, Use::Charge(2), 0);
        for number in 0..REMEMBERED + 1_000 {
            limits.apply(&somebody(), QUOTA, Use::Take, 0);
            assert!(limits.len() <= REMEMBERED, "{number}");
        }
        assert!(limits.len() > REMEMBERED / 2);
        assert!(!limits.apply(&noisy, QUOTA, Use::Take, 0).is_allowed);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let limits = LocalLimits::default();
        for _ in 0..50 {
            limits.apply(&somebody(), QUOTA, Use::Take, 0);
        }
        assert_eq!(limits.len(), 50);
        limits.apply(&somebody(), QUOTA, Use::Take, SWEEP_EVERY);
        assert_eq!(limits.len(), 1);
    }
}

//! The generic cell rate algorithm, as a pure function of the stored time and the present one.
//!
//! ITU-T I.371, annex A, "virtual scheduling": with T the interval between requests at the allowed rate and TAT the
//! theoretical arrival time, a request at `now` conforms when `max(TAT, now) + T - now` is at most the tolerance `T * burst`,
//! and then that sum becomes the new TAT; a request that does not conform changes nothing. `gcra.lua` is the same in Redis.
//! Times are microseconds of whatever clock the caller has.

use std::time::Duration;

use super::Quota;

/// What a request does to the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Takes one unit, or is refused and takes none.
    Take,
    /// Takes so many units, or what is left: for what has happened already.
    Charge(u32),
}

impl Use {
    pub(super) fn units(self) -> u32 {
        match self {
            Self::Take => 1,
            Self::Charge(units) => units,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it may go on.
    pub is_allowed: bool,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Until one more may come; nothing while some remain.
    pub retry_after: Duration,
    /// Until the whole burst is there again.
    pub full_after: Duration,
}

impl Taken {
    /// From the distance of the stored time to the present one.
    pub(super) fn new(is_allowed: bool, used: u64, quota: Quota) -> Self {
        let (interval, tolerance) = (quota.interval(), quota.tolerance());
        let left = tolerance.saturating_sub(used) / interval;
        Self {
            is_allowed,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            retry_after: Duration::from_micros((used + interval).saturating_sub(tolerance)),
            full_after: Duration::from_micros(used),
        }
    }
}

/// Decides, and gives the time to be stored.
///
/// A stored time that no request of this quota can have made (a clock that went back, a quota that was lowered) counts as
/// the largest possible one, so that nobody is kept out for longer than a window.
pub fn decide(stored: Option<u64>, now: u64, quota: Quota, used_as: Use) -> (u64, Taken) {
    let tolerance = quota.tolerance();
    let before = stored.map_or(0, |time| time.saturating_sub(now)).min(tolerance);
    let after = before + quota.interval() * u64::from(used_as.units());
    let (is_allowed, used) = match used_as {
        _ if after <= tolerance => (true, after),
        Use::Take => (false, before),
        Use::Charge(_) => (true, tolerance),
    };
    (now + used, Taken::new(is_allowed, used, quota))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { per_minute: 60, burst: 3 };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_passes_and_one_more_passes_exactly_when_the_interval_is_over() {
        let mut stored = None;
        for left in [2, 1, 0] {
            let (time, taken) = decide(stored, 0, QUOTA, Use::Take);
            assert!(taken.is_allowed);
            assert_eq!(taken.remaining, left);
            stored = Some(time);
        }
        let (time, refused) = decide(stored, 0, QUOTA, Use::Take);
        assert!(!refused.is_allowed);
        assert_eq!(Some(time), stored, "a refusal takes nothing");
        assert_eq!(refused.retry_after, Duration::from_secs(1));
        assert_eq!(refused.full_after, Duration::from_secs(3));
        assert!(!decide(stored, SECOND - 1, QUOTA, Use::Take).1.is_allowed);
        let (time, taken) = decide(stored, SECOND, QUOTA, Use::Take);
        assert!(taken.is_allowed);
        assert!(!decide(Some(time), SECOND, QUOTA, Use::Take).1.is_allowed);
    }

    #[test]
    fn rest_brings_back_a_burst_and_no_more() {
        let (time, _) = decide(None, 0, QUOTA, Use::Charge(3));
        let mut stored = Some(time);
        let later = 1_000 * SECOND;
        let passed = (0..10).filter(|_| {
            let (time, taken) = decide(stored, later, QUOTA, Use::Take);
            stored = Some(time);
            taken.is_allowed
        });
        assert_eq!(passed.count(), 3);
    }

    #[test]
    fn a_charge_takes_what_is_left_and_never_more_than_a_window() {
        let (time, taken) = decide(None, 0, QUOTA, Use::Charge(1_000));
        assert_eq!(time, 3 * SECOND);
        assert_eq!((taken.remaining, taken.full_after), (0, Duration::from_secs(3)));
    }

    #[test]
    fn a_stored_time_out_of_reach_keeps_nobody_out_for_longer_than_a_window() {
        let (_, taken) = decide(Some(u64::MAX), 5, QUOTA, Use::Take);
        assert_eq!(taken.retry_after, Duration::from_secs(1));
        assert_eq!(taken.full_after, Duration::from_secs(3));
    }

    #[test]
    fn a_minute_never_holds_more_than_burst_and_rate_together() {
        for per_minute in [1, 7, 59, 60, 61, 999, 1_000_000] {
            let quota = Quota { per_minute, burst: 5 };
            let (mut stored, mut passed, mut now) = (None, 0_u64, 0_u64);
            while now < 60_000_000 {
                let (time, taken) = decide(stored, now, quota, Use::Take);
                if taken.is_allowed {
                    passed += 1;
                } else {
                    now += u64::try_from(taken.retry_after.as_micros()).unwrap();
                }
                stored = Some(time);
            }
            assert!(passed <= u64::from(per_minute) + 5, "{per_minute}: {passed}");
            assert!(passed + 1 >= u64::from(per_minute) * 99 / 100, "{per_minute}: {passed}");
        }
    }
}

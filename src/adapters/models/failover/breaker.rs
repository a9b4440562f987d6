//! Leaves a provider alone that fails: a state machine over the outcomes of its calls, with the time passed in.
//!
//! Closed, it opens at a share of errors among enough calls of a sliding window, or at so many time-outs before the first
//! token in a row. Open, it admits one probe per interval, each a little later than the interval by a share of its own, so
//! that a provider which fails in time with the probes is still met when it is well. A probe that succeeds closes it, and
//! whatever else was under way when it opened says nothing any more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a provider is left alone.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSettings {
    /// How far back calls are counted.
    pub window: Duration,
    /// Calls in the window below which the share of errors says nothing.
    pub least_calls: u32,
    /// Share of errors, in percent, at which it opens.
    pub error_percent: u32,
    /// Time-outs before the first token, one after the other, at which it opens.
    pub first_token_timeouts: u32,
    /// The shortest time between calls that are let through while it is open; the longest is half as much again.
    pub probe_interval: Duration,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The answer came.
    Good,
    /// The provider failed.
    Failed,
    /// It sent nothing in time.
    FirstTokenTimeout,
    /// It says nothing of the provider.
    Void,
}

/// Leave to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    is_probe: bool,
}

/// The breaker of one provider and model.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each call of the window ended, and whether it failed.
    calls: VecDeque<(Instant, bool)>,
    failed: usize,
    timeouts: u32,
    /// When the next probe may go; `Some` means open.
    next_probe: Option<Instant>,
    /// Probes admitted since it opened.
    probes: u32,
}

/// Steps of the golden ratio, in thousandths, fall evenly between 0 and 1 without ever repeating soon.
const GOLDEN_STEP: u32 = 618;

/// The time after the given probe, between one and one and a half intervals.
fn wait_after(probe: u32, interval: Duration) -> Duration {
    interval + interval * (probe.wrapping_mul(GOLDEN_STEP) % 1000) / 2000
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Leave for a call.
    ///
    /// # Errors
    /// How long to wait, while the provider is left alone.
    pub fn admit(&self, now: Instant) -> Result<Permit, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next_probe {
            None => Ok(Permit { is_probe: false }),
            Some(at) if at <= now => {
                // A probe whose caller went away is followed by the next one all the same.
                state.probes = state.probes.wrapping_add(1);
                state.next_probe =
                    Some(now + wait_after(state.probes, self.settings.probe_interval));
                Ok(Permit { is_probe: true })
            }
            Some(at) => Err(at - now),
        }
    }

    /// Whether calls are let through freely.
    pub fn is_closed(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).next_probe.is_none()
    }

    /// Counts what became of a call.
    pub fn record(&self, permit: Permit, outcome: CallOutcome, now: Instant) {
        if outcome == CallOutcome::Void {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.next_probe, permit.is_probe, outcome) {
            (Some(_), true, CallOutcome::Good) => *state = State::default(),
            (Some(_), true, _) => {
                state.next_probe =
                    Some(now + wait_after(state.probes, self.settings.probe_interval));
            }
            (Some(_), false, _) => {}
            (None, ..) => self.count(&mut state, outcome, now),
        }
    }

    fn count(&self, state: &mut State, outcome: CallOutcome, now: Instant) {
        let is_error = outcome != CallOutcome::Good;
        state.calls.push_back((now, is_error));
        state.failed += usize::from(is_error);
        while let Some((at, failed)) = state.calls.front().copied() {
            if now.saturating_duration_since(at) < self.settings.window {
                break;
            }
            state.calls.pop_front();
            state.failed -= usize::from(failed);
        }
        let is_timeout = outcome == CallOutcome::FirstTokenTimeout;
        state.timeouts = if is_timeout { state.timeouts + 1 } else { 0 };
        let calls = state.calls.len();
        let is_enough = calls >= self.settings.least_calls as usize;
        let is_bad = state.failed * 100 >= self.settings.error_percent as usize * calls;
        if (is_enough && is_bad) || state.timeouts >= self.settings.first_token_timeouts {
            *state =
                State { next_probe: Some(now + self.settings.probe_interval), ..State::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        window: Duration::from_secs(30),
        least_calls: 20,
        error_percent: 50,
        first_token_timeouts: 5,
        probe_interval: Duration::from_secs(10),
    };

    /// Calls one after the other, a second apart or as told.
    struct Lab {
        breaker: Breaker,
        now: Instant,
    }

    impl Lab {
        fn new() -> Self {
            Self { breaker: Breaker::new(SETTINGS), now: Instant::now() }
        }

        fn call(&mut self, outcome: CallOutcome, after: Duration) -> bool {
            self.now += after;
            let Ok(permit) = self.breaker.admit(self.now) else { return false };
            self.breaker.record(permit, outcome, self.now);
            true
        }

        fn calls(&mut self, count: usize, outcome: CallOutcome) -> usize {
            (0..count).filter(|_| self.call(outcome, Duration::from_millis(10))).count()
        }
    }

    #[test]
    fn half_of_twenty_calls_open_it_and_less_of_either_does_not() {
        let mut lab = Lab::new();
        assert_eq!(lab.calls(19, CallOutcome::Failed), 19);
        assert!(lab.breaker.is_closed(), "19 calls say nothing");
        assert_eq!(lab.calls(5, CallOutcome::Failed), 1, "the 20th opened it");

        let mut lab = Lab::new();
        lab.calls(11, CallOutcome::Good);
        lab.calls(10, CallOutcome::Failed);
        assert!(lab.breaker.is_closed(), "10 of 21");
        lab.calls(1, CallOutcome::Failed);
        assert!(!lab.breaker.is_closed(), "11 of 22");
    }

    #[test]
    fn errors_older_than_the_window_are_forgotten() {
        let mut lab = Lab::new();
        lab.calls(19, CallOutcome::Failed);
        assert!(lab.call(CallOutcome::Good, SETTINGS.window));
        assert_eq!(lab.calls(18, CallOutcome::Failed), 18);
        assert!(lab.breaker.is_closed(), "19 calls in the window");
    }

    #[test]
    fn five_time_outs_in_a_row_open_it_and_a_good_call_between_them_does_not() {
        let mut lab = Lab::new();
        lab.calls(4, CallOutcome::FirstTokenTimeout);
        lab.calls(1, CallOutcome::Good);
        lab.calls(4, CallOutcome::FirstTokenTimeout);
        assert!(lab.breaker.is_closed());
        lab.calls(1, CallOutcome::FirstTokenTimeout);
        assert!(!lab.breaker.is_closed());
    }

    #[test]
    fn open_it_lets_one_probe_through_per_interval_and_a_good_one_closes_it() {
        let mut lab = Lab::new();
        lab.calls(5, CallOutcome::FirstTokenTimeout);
        let wait = lab.breaker.admit(lab.now).unwrap_err();
        assert_eq!(wait, SETTINGS.probe_interval);
        assert!(!lab.call(CallOutcome::Good, SETTINGS.probe_interval - Duration::from_millis(1)));
        assert!(lab.call(CallOutcome::Failed, Duration::from_millis(1)), "the probe");
        assert_eq!(lab.calls(50, CallOutcome::Good), 0, "and no other");
        assert!(!lab.call(CallOutcome::Good, SETTINGS.probe_interval / 2), "not before its time");
        assert!(lab.call(CallOutcome::Good, SETTINGS.probe_interval));
        assert!(lab.breaker.is_closed());
    }

    #[test]
    fn what_was_under_way_when_it_opened_neither_closes_it_nor_holds_it_open() {
        let mut lab = Lab::new();
        let early = lab.breaker.admit(lab.now).unwrap();
        lab.calls(5, CallOutcome::FirstTokenTimeout);
        lab.breaker.record(early, CallOutcome::Good, lab.now);
        assert!(!lab.breaker.is_closed());
        let probe = lab.breaker.admit(lab.now + SETTINGS.probe_interval).unwrap();
        lab.breaker.record(early, CallOutcome::Failed, lab.now + SETTINGS.probe_interval);
        lab.breaker.record(probe, CallOutcome::Good, lab.now + SETTINGS.probe_interval);
        assert!(lab.breaker.is_closed());
    }

    #[test]
    fn a_provider_that_flaps_in_time_with_the_probes_is_still_met_when_it_is_well() {
        let mut lab = Lab::new();
        let mut asked_while_down = 0;
        let mut answered = 0;
        for tick in 0..1_200_u32 {
            let is_down = tick / 50 % 2 == 0; // a tenth of a second each
            let outcome = if is_down { CallOutcome::Failed } else { CallOutcome::Good };
            if lab.call(outcome, Duration::from_millis(100)) {
                if is_down {
                    asked_while_down += 1
                } else {
                    answered += 1
                };
            }
        }
        // Down for 60 of 120 s: without a breaker 600 calls would have run into it.
        assert!(asked_while_down < 200, "{asked_while_down}");
        assert!(answered > 100, "{answered}");
    }

    proptest! {
        #[test]
        fn it_is_open_exactly_when_the_rule_says_so(
            calls in prop::collection::vec((0_u64..4_000, 0_u8..3), 1..120)
        ) {
            let mut lab = Lab::new();
            let mut seen: Vec<(Instant, bool)> = Vec::new();
            let mut timeouts = 0;
            for (after, kind) in calls {
                let outcome = [CallOutcome::Good, CallOutcome::Failed, CallOutcome::FirstTokenTimeout]
                    [usize::from(kind)];
                prop_assert!(lab.call(outcome, Duration::from_millis(after)));
                seen.push((lab.now, outcome != CallOutcome::Good));
                timeouts = if outcome == CallOutcome::FirstTokenTimeout { timeouts + 1 } else { 0 };
                let recent: Vec<_> =
                    seen.iter().filter(|(at, _)| lab.now - *at < SETTINGS.window).collect();
                let failed = recent.iter().filter(|(_, failed)| *failed).count();
                let must_open = timeouts >= 5 || (recent.len() >= 20 && failed * 2 >= recent.len());
                prop_assert_eq!(lab.breaker.is_closed(), !must_open);
                if must_open {
                    break;
                }
            }
        }
    }
}

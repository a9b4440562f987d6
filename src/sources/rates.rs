//! Time between two requests to one host, over all runs of this process: a site is not to suffer from being read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each host may be asked next.
#[derive(Clone, Debug, Default)]
pub struct HostRates(Arc<Mutex<HashMap<String, Turn>>>);

/// The last turn at a host, and how long after it nobody else comes.
#[derive(Clone, Copy, Debug)]
struct Turn {
    at: Instant,
    delay: Duration,
}

impl HostRates {
    /// Takes the next turn at a host: how long to wait for it. Of two that ask for other times the longer one counts.
    pub fn take_turn(&self, host: &str, delay: Duration) -> Duration {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let next = |last: &Turn| last.at + last.delay.max(delay);
        let at = turns.get(host).map_or(now, next).max(now);
        // Those whose time is over say nothing any more.
        turns.retain(|_, last| last.at + last.delay > now);
        turns.insert(host.to_owned(), Turn { at, delay });
        at - now
    }

    /// How long it is until the next turn at a host; takes none.
    pub fn wait(&self, host: &str) -> Duration {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = turns.get(host).map(|last| last.at + last.delay);
        free.map_or(Duration::ZERO, |free| free.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_at_one_host_are_apart_and_hosts_do_not_wait_for_each_other() {
        let rates = HostRates::default();
        let delay = Duration::from_secs(10);
        assert_eq!(rates.take_turn("a", delay), Duration::ZERO);
        assert_eq!(rates.take_turn("b", delay), Duration::ZERO);
        let (second, third) = (rates.take_turn("a", delay), rates.take_turn("a", delay));
        assert!(second > Duration::from_secs(9) && second <= delay, "{second:?}");
        assert!(third > second + Duration::from_secs(9), "{third:?}");
        let rates = HostRates::default();
        rates.take_turn("a", Duration::ZERO);
        assert_eq!(rates.take_turn("a", Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn whoever_asks_for_less_time_does_not_shorten_that_of_another() {
        let rates = HostRates::default();
        let (long, short) = (Duration::from_secs(10), Duration::from_millis(250));
        assert_eq!((rates.take_turn("a", long), rates.wait("b")), (Duration::ZERO, Duration::ZERO));
        assert!(rates.wait("a") > Duration::from_secs(9));
        let second = rates.take_turn("a", short);
        assert!(second > Duration::from_secs(9), "{second:?}");
        let third = rates.take_turn("a", long);
        assert!(third > second + Duration::from_secs(9), "{third:?}");
    }
}

//! Time between two requests to one host, over all runs of this process: a site is not to suffer from being read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each host may be asked next.
#[derive(Clone, Debug, Default)]
pub struct HostRates(Arc<Mutex<HashMap<String, Instant>>>);

impl HostRates {
    /// Takes the next turn at a host: how long to wait for it.
    pub fn take_turn(&self, host: &str, delay: Duration) -> Duration {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = turns.get(host).copied().unwrap_or(now).max(now);
        // Those whose turn is over say nothing any more.
        turns.retain(|_, next| *next > now);
        turns.insert(host.to_owned(), turn + delay);
        turn - now
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
}

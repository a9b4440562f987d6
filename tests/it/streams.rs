//! Events of runs on their way to readers: in the process, over a real Valkey between instances, and while it fails.

mod local;
mod outages;
mod shared;

use std::time::Duration;

use pidima::adapters::redis::Redis;
use pidima::adapters::streams::{
    Entry, RedisStreams, StreamError, StreamKey, StreamSettings, Tail,
};
use pidima::kernel::ids::{TenantId, new_id};

/// Long enough that a busy machine does not look like a dead server.
const PATIENT: Duration = Duration::from_secs(5);

const SETTINGS: StreamSettings = StreamSettings { max_events: 1_000, ttl: Duration::from_secs(60) };

/// A run that no other test has.
fn some_run() -> StreamKey {
    StreamKey::run(TenantId::generate(), new_id())
}

/// Events of so many numbers; the last of them is the last one of the run when `ends`.
fn events(numbers: std::ops::RangeInclusive<u64>, ends: bool) -> Vec<Entry> {
    let last = *numbers.end();
    let entry = |number: u64| Entry {
        number,
        payload: format!("event {number}\r\n\0é").into_bytes().into(),
        is_last: ends && number == last,
    };
    numbers.map(entry).collect()
}

/// An instance at this server.
fn instance(url: &str) -> RedisStreams {
    RedisStreams::new(Redis::new(&url.to_owned().into(), PATIENT).unwrap(), SETTINGS)
}

/// Reads a log to its end.
async fn read_all(tail: &Tail, after: u64) -> Result<Vec<Entry>, StreamError> {
    let mut all = Vec::new();
    let mut number = after;
    loop {
        match tail.after(number, PATIENT).await {
            Ok(some) => {
                assert!(!some.is_empty(), "nothing came after {number}");
                number = some.last().unwrap().number;
                all.extend(some);
            }
            Err(StreamError::Ended) => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

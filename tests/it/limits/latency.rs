//! What counting costs a request; the figures are printed.

use std::time::{Duration, Instant};

use pidima::adapters::limits::{Decision, LimitKey, Quota, RateLimiter};

use super::{PATIENT, limiter, somebody, valkey};

const TAKES: usize = 2_000;
const WIDE: Quota = Quota { per_minute: 1_000_000, burst: 1_000_000 };

/// Median and 99th percentile of the four counts of one request, as the server makes them: all at once.
async fn measured(limiter: &RateLimiter) -> (Duration, Duration) {
    let keys: Vec<LimitKey> = (0..4).map(|_| somebody()).collect();
    limiter.take_all(&keys).await;
    let mut times = Vec::with_capacity(TAKES);
    for _ in 0..TAKES {
        let began = Instant::now();
        assert!(limiter.take_all(&keys).await.iter().all(Decision::is_allowed));
        times.push(began.elapsed());
    }
    times.sort_unstable();
    (times[TAKES / 2], times[TAKES * 99 / 100])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_a_request_takes_little_time() {
    let (local_p50, local_p99) = measured(&limiter(None, WIDE, 1, PATIENT)).await;
    let (redis_p50, redis_p99) = measured(&limiter(Some(&valkey()), WIDE, 1, PATIENT)).await;
    println!("four limits in the process: p50 {local_p50:?}, p99 {local_p99:?}");
    println!("four limits in Valkey: p50 {redis_p50:?}, p99 {redis_p99:?}");
    // Generous: other tests take the processors meanwhile.
    assert!(local_p50 < Duration::from_millis(1), "{local_p50:?}");
    assert!(redis_p50 < Duration::from_millis(20), "{redis_p50:?}");
}

//! Tokens with key ids that nobody knows, by the thousand: the issuer is asked once, and good tokens do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pidima::identity::{Denied, Presented, RequestOrigin, Role, Verifier};
use serde_json::json;

use super::issuer::{Fault, TestKey, encode};
use super::{Setup, claims};
use crate::support::eventually;

/// Good tokens, verified anew each, before and during the flood.
const GOOD: usize = 100;
/// How long the flood lasts at least.
const FLOOD: Duration = Duration::from_secs(2);
/// Far above what one verification takes on a machine that is busy with the flood itself.
const UNHARMED: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_unknown_key_ids_asks_the_issuer_once() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("flood").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let key = TestKey::ec("key-ec");
    setup.main.publish(std::slice::from_ref(&key));
    let good: Vec<String> =
        (0..2 * GOOD).map(|_| key.sign(&claims(&setup.main, "person-1"))).collect();
    let verifier = &setup.app.app.services.verifier;
    let before = p99_of(verifier, &good[..GOOD]).await;
    assert_eq!(setup.main.keys_asked(), 1);

    let flood = Flood::begin(verifier, &claims(&setup.main, "person-1"), None);
    let began = Instant::now();
    eventually("the flood has begun", || async { flood.sent() > 100 }).await;
    let during = p99_of(verifier, &good[GOOD..]).await;
    eventually("the flood has lasted", || async { began.elapsed() > FLOOD }).await;
    let rate = flood.end().await;
    told(rate, setup.main.keys_asked() - 1, before, during);
    assert_eq!(setup.main.keys_asked(), 2, "the first unknown id, and no other");
    assert!(rate > 1_000.0, "{rate:.0} a second are no flood");
    assert!(during < UNHARMED, "{during:?}");
}

/// Good tokens of each half of the measurement.
const MEASURED: usize = 2_000;

/// The measurement of the goal: at 10,000 unknown key ids a second and more, good tokens are let in as fast as without them.
/// A debug build spends both cores on the flood alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "measures a release build: cargo test --release --test it -- --ignored --nocapture tokens::flood"]
async fn good_tokens_are_as_fast_while_ten_thousand_unknown_key_ids_a_second_come() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("flood").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let key = TestKey::ec("key-ec");
    setup.main.publish(std::slice::from_ref(&key));
    let good: Vec<String> =
        (0..=2 * MEASURED).map(|_| key.sign(&claims(&setup.main, "person-1"))).collect();
    let verifier = &setup.app.app.services.verifier;
    p99_of(verifier, &good[2 * MEASURED..]).await;
    let before = p99_of(verifier, &good[..MEASURED]).await;
    let flood = Flood::begin(verifier, &claims(&setup.main, "person-1"), Some(12_000));
    eventually("the flood has begun", || async { flood.sent() > 12_000 }).await;
    let during = p99_of(verifier, &good[MEASURED..2 * MEASURED]).await;
    eventually("the flood has lasted", || async { flood.began.elapsed() > FLOOD }).await;
    let rate = flood.end().await;
    told(rate, setup.main.keys_asked() - 1, before, during);
    assert_eq!(setup.main.keys_asked(), 2, "the first unknown id, and no other");
    assert!(rate > 10_000.0, "{rate:.0} a second");
    assert!(during < (before * 2).max(Duration::from_millis(5)), "{before:?} and then {during:?}");
}

fn told(rate: f64, asked: usize, before: Duration, during: Duration) {
    println!(
        "{rate:.0} unknown key ids a second: {asked} request(s) to the issuer; p99 of good tokens {:.2} ms before, {:.2} ms \
         during",
        before.as_secs_f64() * 1e3,
        during.as_secs_f64() * 1e3
    );
}

/// Tokens with key ids that nobody knows, until it is ended.
struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    flooders: Vec<tokio::task::JoinHandle<()>>,
    began: Instant,
}

impl Flood {
    /// So many a second, or as many as can be.
    fn begin(verifier: &Verifier, claims: &serde_json::Value, a_second: Option<u64>) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (payload, began) = (encode(claims.to_string()), Instant::now());
        let flooder = |flooder: usize| {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            let (verifier, payload) = (verifier.clone(), payload.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    let header = json!({ "alg": "ES256", "kid": format!("unknown-{flooder}-{number}"), "typ": "JWT" });
                    let token =
                        format!("{}.{payload}.{}", encode(header.to_string()), encode([7; 64]));
                    let presented = Presented::Bearer(token);
                    let refused = verifier.verify(&presented, None, RequestOrigin::default()).await;
                    assert!(matches!(refused, Err(Denied::Unknown)), "{refused:?}");
                    match a_second {
                        // Ahead of its time: waits, as the next request of a client would.
                        Some(rate) if number > due(began, rate) => {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        _ => tokio::task::yield_now().await,
                    }
                }
            })
        };
        let flooders = (0..3).map(flooder).collect();
        Self { stop, sent, flooders, began }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends it; how many came a second.
    async fn end(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a rate to print")]
        let rate = self.sent() as f64 / self.began.elapsed().as_secs_f64();
        for flooder in self.flooders {
            flooder.await.unwrap();
        }
        rate
    }
}

/// How many should have been sent by now.
fn due(began: Instant, a_second: u64) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap() * a_second / 1_000_000
}

/// The slowest but one in a hundred, every token let in.
async fn p99_of(verifier: &Verifier, tokens: &[String]) -> Duration {
    let mut times = Vec::new();
    for token in tokens {
        let presented = Presented::Bearer(token.clone());
        let began = Instant::now();
        verifier.verify(&presented, None, RequestOrigin::default()).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() * 99 / 100]
}

#[tokio::test]
async fn a_slow_issuer_holds_up_nobody_whose_key_is_known() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("slow").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let key = setup.main.key.clone();
    setup.verify(&key.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    setup.main.fail(Some(Fault::Silence));
    let unknown = TestKey::ec("key-9").sign(&claims(&setup.main, "person-1"));
    let verifier = setup.app.app.services.verifier.clone();
    let waiting = |token: &str| {
        let (verifier, presented) = (verifier.clone(), Presented::Bearer(token.to_owned()));
        tokio::spawn(async move {
            verifier.verify(&presented, None, RequestOrigin::default()).await.map(|_| ())
        })
    };
    let first = waiting(&unknown);
    eventually("the issuer is being asked", || async { setup.main.keys_asked() == 2 }).await;
    let others: Vec<_> = (0..50).map(|_| waiting(&unknown)).collect();
    let began = Instant::now();
    setup.verify(&key.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    assert!(began.elapsed() < UNHARMED, "{:?}", began.elapsed());
    assert!(!first.is_finished(), "the issuer is still silent");
    for waiting in others.into_iter().chain([first]) {
        assert!(waiting.await.unwrap().is_err());
    }
    assert_eq!(setup.main.keys_asked(), 2, "everybody waited for one request");
}

#[tokio::test]
async fn who_hangs_up_does_not_undo_that_the_issuer_was_asked() {
    let setup = Setup::start().await;
    setup.main.fail(Some(Fault::Silence));
    let token = TestKey::ec("key-9").sign(&claims(&setup.main, "person-1"));
    let first = {
        let (verifier, presented) =
            (setup.app.app.services.verifier.clone(), Presented::Bearer(token.clone()));
        tokio::spawn(async move {
            drop(verifier.verify(&presented, None, RequestOrigin::default()).await);
        })
    };
    eventually("the issuer is being asked", || async { setup.main.keys_asked() == 1 }).await;
    first.abort();
    drop(first.await);
    let second = setup.verify(&token).await;
    assert!(matches!(second, Err(Denied::ProviderAway(_))), "{second:?}");
    assert_eq!(setup.main.keys_asked(), 1);
}

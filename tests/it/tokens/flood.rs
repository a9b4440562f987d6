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

    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let payload = encode(claims(&setup.main, "person-1").to_string());
    let began = Instant::now();
    let flooders: Vec<_> = (0..3)
        .map(|flooder| {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            let (verifier, payload) = (verifier.clone(), payload.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    let kid = format!("unknown-{flooder}-{number}");
                    let header = json!({ "alg": "ES256", "kid": kid, "typ": "JWT" });
                    let head = encode(header.to_string());
                    let token = format!("{head}.{payload}.{}", encode([7; 64]));
                    let presented = Presented::Bearer(token);
                    let refused = verifier.verify(&presented, None, RequestOrigin::default()).await;
                    assert!(matches!(refused, Err(Denied::Unknown)), "{refused:?}");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    eventually("the flood has begun", || async { sent.load(Ordering::Relaxed) > 100 }).await;
    let during = p99_of(verifier, &good[GOOD..]).await;
    eventually("the flood has lasted", || async { began.elapsed() > FLOOD }).await;
    stop.store(true, Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    for flooder in flooders {
        flooder.await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate to print")]
    let rate = sent.load(Ordering::Relaxed) as f64 / seconds;
    println!(
        "{rate:.0} unknown key ids a second for {seconds:.1} s: {} request(s) to the issuer; p99 of good tokens {:.1} ms \
         before, {:.1} ms during",
        setup.main.keys_asked() - 1,
        before.as_secs_f64() * 1e3,
        during.as_secs_f64() * 1e3
    );
    assert_eq!(setup.main.keys_asked(), 2, "the first unknown id, and no other");
    assert!(rate > 1_000.0, "{rate:.0} a second are no flood");
    assert!(during < UNHARMED, "{during:?}");
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

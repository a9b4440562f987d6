//! Redis goes away and comes back: neither open nor shut meanwhile, and nobody waits.

use std::time::{Duration, Instant};

use pidima::adapters::limits::Quota;

use super::{PATIENT, limiter, passed, somebody, valkey};
use crate::support::{Mode, OwnValkey, RedisProxy, eventually};

const RARE: Quota = Quota { per_minute: 1, burst: 20 };
/// Far more than a request without Redis takes, far less than a time-out of each.
const AT_ONCE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_cut_off_each_instance_lets_through_its_share_and_then_they_count_together_again()
 {
    let proxy = RedisProxy::before(&valkey()).await;
    let instances = [0, 1].map(|_| limiter(Some(&proxy.url), RARE, 2, PATIENT));
    let (before, during, after) = (somebody(), somebody(), somebody());
    for instance in &instances {
        assert_eq!(passed(instance, &before, 10).await, 10);
    }
    assert_eq!(passed(&instances[0], &before, 5).await, 0, "20 together");

    proxy.set(Mode::Cut);
    // The first request finds out; it is counted here, not refused and not failed.
    let began = Instant::now();
    assert_eq!(passed(&instances[0], &during, 30).await, 10, "half of 20");
    assert_eq!(passed(&instances[1], &during, 30).await, 10, "the other half");
    // Who had used up the limit is not given another burst by the outage.
    for instance in &instances {
        assert_eq!(passed(instance, &before, 10).await, 0);
    }
    println!("80 requests after the cut took {:?}", began.elapsed());
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());

    proxy.set(Mode::Pass);
    let whole = |instance: usize| {
        let limiter = instances[instance].clone();
        move || {
            let limiter = limiter.clone();
            async move { limiter.take(&somebody()).await.quota == RARE }
        }
    };
    let began = Instant::now();
    eventually("the first instance counts in Redis again", whole(0)).await;
    eventually("the second one too", whole(1)).await;
    println!("counted together again {:?} after Redis came back", began.elapsed());
    assert_eq!(
        passed(&instances[0], &after, 15).await + passed(&instances[1], &after, 15).await,
        20
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_falls_silent_costs_one_time_out_and_no_more() {
    let patience = Duration::from_millis(300);
    let proxy = RedisProxy::before(&valkey()).await;
    let limiter = limiter(Some(&proxy.url), RARE, 4, patience);
    eventually("counted in Redis", || async { limiter.take(&somebody()).await.quota == RARE })
        .await;
    proxy.set(Mode::Silent);
    let (key, began) = (somebody(), Instant::now());
    assert!(limiter.take(&key).await.is_allowed());
    let first = began.elapsed();
    let began = Instant::now();
    assert_eq!(passed(&limiter, &key, 50).await, 4, "a quarter of 20, less the first");
    println!("silent Redis: first request {first:?}, the next 50 {:?}", began.elapsed());
    assert!(first < patience + AT_ONCE, "{first:?}");
    assert!(began.elapsed() < patience, "{:?}", began.elapsed());
    proxy.set(Mode::Pass);
    eventually("counted in Redis again", || async {
        limiter.take(&somebody()).await.quota == RARE
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_starts_without_redis_serves_its_share_and_finds_it_later() {
    let proxy = RedisProxy::before(&valkey()).await;
    proxy.set(Mode::Cut);
    let limiter = limiter(Some(&proxy.url), RARE, 2, PATIENT);
    assert_eq!(passed(&limiter, &somebody(), 30).await, 10);
    proxy.set(Mode::Pass);
    eventually("counted in Redis", || async { limiter.take(&somebody()).await.quota == RARE })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_without_memory_is_as_good_as_away_until_it_has_some() {
    let own = OwnValkey::start().await;
    let server = &own.server;
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("maxmemory-policy").arg("noeviction");
    let _: () = set.query_async(&mut connection).await.unwrap();
    let limiter = limiter(Some(server.url()), RARE, 2, PATIENT);
    assert_eq!(passed(&limiter, &somebody(), 25).await, 20);
    let memory = |bytes: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("maxmemory").arg(bytes);
        set
    };
    let _: () = memory("1").query_async(&mut connection).await.unwrap();
    assert_eq!(passed(&limiter, &somebody(), 25).await, 10);
    let _: () = memory("100mb").query_async(&mut connection).await.unwrap();
    eventually("counted in Redis again", || async {
        limiter.take(&somebody()).await.quota == RARE
    })
    .await;
    // And a server that is really gone.
    own.stop().await;
    assert_eq!(passed(&limiter, &somebody(), 25).await, 10);
}

#[tokio::test]
async fn without_redis_the_whole_limit_is_counted_here() {
    let limiter = limiter(None, RARE, 4, PATIENT);
    assert_eq!(passed(&limiter, &somebody(), 25).await, 20);
}

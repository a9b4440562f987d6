//! Copies with a version: the newest stays, for a while and within bounds, in the process and in a real Valkey; and whatever
//! stands there instead, or while the server is away, there is simply none.

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::cache::{Cache, CacheKey, CacheSettings, LocalCache, RedisCache, Versioned};
use pidima::adapters::redis::Redis;
use pidima::kernel::ids::{TenantId, new_id};

use crate::support::{Mode, OwnValkey, RedisProxy, eventually, services};

const PATIENT: Duration = Duration::from_secs(5);
const SETTINGS: CacheSettings =
    CacheSettings { ttl: Duration::from_secs(60), max_value_bytes: 1_000, max_bytes: 10_000 };

fn some_key() -> CacheKey {
    CacheKey::session(TenantId::generate(), new_id())
}

fn value(version: i64, text: &str) -> Versioned {
    Versioned { version, value: text.as_bytes().to_vec() }
}

fn at(url: &str, settings: CacheSettings) -> RedisCache {
    RedisCache::new(Redis::new(&url.to_owned().into(), PATIENT).unwrap(), settings)
}

/// Each kind, empty.
fn caches(settings: CacheSettings) -> [Arc<dyn Cache>; 2] {
    [Arc::new(LocalCache::new(settings)), Arc::new(at(&services().valkey.unwrap(), settings))]
}

async fn command(url: &str, words: &[&str]) -> redis::Value {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn the_newest_version_stays_in_whatever_order_they_come() {
    for cache in caches(SETTINGS) {
        let (key, other) = (some_key(), some_key());
        assert_eq!(cache.get(&key).await, None);
        cache.put(&key, value(5, "five\r\n\0é")).await;
        assert_eq!(cache.get(&key).await, Some(value(5, "five\r\n\0é")));
        cache.put(&key, value(4, "four")).await;
        cache.put(&key, value(5, "another five")).await;
        assert_eq!(cache.get(&key).await, Some(value(5, "five\r\n\0é")));
        cache.put(&key, value(6, "")).await;
        assert_eq!(cache.get(&key).await, Some(value(6, "")));
        assert_eq!(cache.get(&other).await, None);
        cache.remove(&key).await;
        cache.remove(&other).await;
        assert_eq!(cache.get(&key).await, None);
        cache.put(&key, value(1, "one")).await;
        assert_eq!(cache.get(&key).await, Some(value(1, "one")));
    }
}

#[tokio::test]
async fn a_value_longer_than_the_longest_is_not_kept_nor_is_the_one_before() {
    for cache in caches(SETTINGS) {
        let key = some_key();
        for (version, length) in [(1, 999), (2, 1_000)] {
            let text = "x".repeat(length);
            cache.put(&key, value(version, &text)).await;
            assert_eq!(cache.get(&key).await, Some(value(version, &text)));
        }
        cache.put(&key, value(3, &"x".repeat(1_001))).await;
        assert_eq!(cache.get(&key).await, None);
    }
}

#[tokio::test]
async fn in_the_process_those_unused_for_longest_go_first() {
    let cache = LocalCache::new(SETTINGS);
    let keys: Vec<CacheKey> = (0..20).map(|_| some_key()).collect();
    let text = "x".repeat(1_000);
    for key in &keys {
        cache.put(key, value(1, &text)).await;
        // Used all the time.
        assert!(cache.get(&keys[0]).await.is_some());
        assert!(cache.bytes() <= SETTINGS.max_bytes);
    }
    let mut kept = Vec::new();
    for key in &keys {
        kept.push(cache.get(key).await.is_some());
    }
    let count = kept.iter().filter(|kept| **kept).count();
    assert_eq!(count, 8, "{kept:?}");
    assert!(kept[0] && kept[13..].iter().all(|kept| *kept), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn in_the_process_a_value_goes_after_its_time() {
    let cache = LocalCache::new(SETTINGS);
    let key = some_key();
    cache.put(&key, value(1, "one")).await;
    tokio::time::advance(SETTINGS.ttl - Duration::from_millis(1)).await;
    assert!(cache.get(&key).await.is_some());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(cache.get(&key).await, None);
    assert_eq!(cache.bytes(), 0);
}

#[tokio::test]
async fn in_redis_a_value_goes_after_its_time() {
    let url = services().valkey.unwrap();
    let key = some_key();
    at(&url, SETTINGS).put(&key, value(1, "one")).await;
    let redis::Value::Int(left) = command(&url, &["PTTL", key.as_str()]).await else { panic!() };
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn whatever_stands_at_a_key_is_no_value_and_gives_way() {
    let url = services().valkey.unwrap();
    let cache = at(&url, SETTINGS);
    let key = some_key();
    let garbage: [&[&str]; 5] = [
        &["SET", key.as_str(), "words"],
        &["LPUSH", key.as_str(), "x"],
        &["HSET", key.as_str(), "version", "words", "value", "x"],
        &["HSET", key.as_str(), "value", "x"],
        &["HSET", key.as_str(), "version", "7"],
    ];
    for words in garbage {
        command(&url, &["DEL", key.as_str()]).await;
        command(&url, words).await;
        assert_eq!(cache.get(&key).await, None, "{words:?}");
        cache.put(&key, value(9, "nine")).await;
        assert_eq!(cache.get(&key).await, Some(value(9, "nine")), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_slow_or_empty_there_is_nothing_and_nobody_waits() {
    let own = OwnValkey::start().await;
    let proxy = RedisProxy::before(own.server.url()).await;
    let patience = Duration::from_millis(300);
    let redis = Redis::new(&proxy.url.clone().into(), patience).unwrap();
    let cache = RedisCache::new(redis, SETTINGS);
    let key = some_key();
    let is_there = async || {
        cache.put(&key, value(1, "one")).await;
        cache.get(&key).await.is_some()
    };
    eventually("kept", is_there).await;
    for mode in [Mode::Silent, Mode::Cut] {
        proxy.set(mode);
        let began = std::time::Instant::now();
        for _ in 0..50 {
            assert_eq!(cache.get(&key).await, None);
            cache.put(&key, value(2, "two")).await;
            cache.remove(&key).await;
        }
        assert!(began.elapsed() < 3 * patience, "{mode:?}: {:?}", began.elapsed());
        proxy.set(Mode::Pass);
        eventually("there again", async || cache.get(&key).await == Some(value(1, "one"))).await;
    }
    command(own.server.url(), &["FLUSHALL"]).await;
    assert_eq!(cache.get(&key).await, None);
    command(own.server.url(), &["SCRIPT", "FLUSH"]).await;
    eventually("kept", is_there).await;
    own.stop().await;
    assert_eq!(cache.get(&key).await, None);
}

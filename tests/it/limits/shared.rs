//! Counting in a real Valkey: exact, together, and whole again after anything that is found there.

use std::time::Duration;

use futures_util::future::join_all;
use pidima::adapters::limits::{
    Limit, LimitKey, LimiterSettings, Quota, Quotas, RateLimiter, SharedLimits, Subject, Use,
    decide,
};
use pidima::adapters::redis::Redis;
use pidima::kernel::ids::TenantId;
use rand::Rng;

use super::{PATIENT, limiter, passed, somebody, valkey};

/// Comes back so slowly that no test sees it.
const RARE: Quota = Quota { per_minute: 1, burst: 20 };

async fn connection() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(valkey()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn run(command: &mut redis::Cmd) -> redis::Value {
    command.query_async(&mut connection().await).await.unwrap()
}

#[tokio::test]
async fn the_script_decides_as_the_function_does() {
    let shared = SharedLimits::new(Redis::new(&valkey().into(), PATIENT).unwrap());
    let mut random = rand::rng();
    // Slow ones: the time is injected, but the key ends by the server's clock.
    for quota in [
        Quota { per_minute: 6, burst: 3 },
        Quota { per_minute: 7, burst: 1 },
        Quota { per_minute: 12, burst: 50 },
    ] {
        let key = somebody();
        let interval = 60_000_000_u64.div_ceil(u64::from(quota.per_minute));
        // Far ahead of the server's clock, so that keys do not end in between.
        let mut now = 4_000_000_000_000_000_u64;
        let mut stored = None;
        let mut refused = 0;
        // First as many at once as the burst holds and some more, so that there is something to refuse.
        for step in 0..160 {
            let used_as = if random.random_ratio(1, 6) { Use::Charge(4) } else { Use::Take };
            let (time, expected) = decide(stored, now, quota, used_as);
            stored = Some(time);
            let found = shared.apply_at(&key, quota, used_as, now).await.unwrap();
            assert_eq!(found, expected, "{quota:?}, step {step}, {used_as:?}");
            refused += u32::from(!found.is_allowed);
            // The borders: at once, one microsecond early, exactly, much later.
            let next = u64::try_from(found.retry_after.as_micros()).unwrap();
            if step > 60 {
                now += [0, next.saturating_sub(1), next, interval, interval * 3]
                    [random.random_range(0..5)];
            }
        }
        assert!(refused > 0, "{quota:?}");
    }
}

#[tokio::test]
async fn requests_at_once_of_two_instances_pass_exactly_as_often_as_the_burst_allows() {
    let instances = [0, 1].map(|_| limiter(Some(&valkey()), RARE, 2, PATIENT));
    let key = somebody();
    let takes = (0..100).map(|number| {
        let limiter = instances[number % 2].clone();
        let key = key.clone();
        tokio::spawn(async move { limiter.take(&key).await.is_allowed() })
    });
    let allowed = join_all(takes).await.into_iter().filter(|taken| *taken.as_ref().unwrap());
    assert_eq!(allowed.count(), 20);
    assert_eq!(passed(&instances[0], &somebody(), 25).await, 20, "others have their own");
}

#[tokio::test]
async fn a_key_ends_by_itself_and_holds_nothing_but_a_time() {
    let limiter = limiter(Some(&valkey()), RARE, 1, PATIENT);
    let key = somebody();
    limiter.take(&key).await;
    let left: i64 =
        redis::cmd("PTTL").arg(key.as_str()).query_async(&mut connection().await).await.unwrap();
    assert!((1..=60_001).contains(&left), "{left}");
    let value: String =
        redis::cmd("GET").arg(key.as_str()).query_async(&mut connection().await).await.unwrap();
    assert!(value.parse::<u64>().is_ok(), "{value}");
}

#[tokio::test]
async fn whatever_stands_at_a_key_counting_goes_on() {
    let limiter = limiter(Some(&valkey()), RARE, 1, PATIENT);
    let key = somebody();
    let garbage: [&[&str]; 6] = [
        &["LPUSH", key.as_str(), "x"],
        &["HSET", key.as_str(), "a", "b"],
        &["SET", key.as_str(), "words"],
        &["SET", key.as_str(), "nan"],
        &["SET", key.as_str(), ""],
        &["SET", key.as_str(), "-5"],
    ];
    for command in garbage {
        run(redis::cmd("DEL").arg(key.as_str())).await;
        run(redis::cmd(command[0]).arg(&command[1..])).await;
        assert_eq!(passed(&limiter, &key, 25).await, 20, "{command:?}");
    }
    // A time out of reach shuts nobody out for longer than a window.
    run(redis::cmd("SET").arg(key.as_str()).arg("8999999999999999")).await;
    let refused = limiter.take(&key).await;
    assert!(!refused.is_allowed());
    assert!(refused.taken.retry_after <= Duration::from_secs(60), "{refused:?}");
    assert!(refused.taken.full_after <= Duration::from_secs(20 * 60), "{refused:?}");
}

#[tokio::test]
async fn a_flushed_server_gives_one_burst_anew_and_knows_the_script_again() {
    let url = format!("{}7", valkey().strip_suffix('0').unwrap());
    let limiter = limiter(Some(&url), RARE, 1, PATIENT);
    let key = somebody();
    assert_eq!(passed(&limiter, &key, 25).await, 20);
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHDB").query_async(&mut connection).await.unwrap();
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut connection).await.unwrap();
    assert_eq!(passed(&limiter, &key, 25).await, 20);
}

#[tokio::test]
async fn the_check_of_the_doctor_says_what_is_wrong_and_no_password() {
    let good = limiter(Some(&valkey()), RARE, 1, PATIENT);
    assert!(good.check().await.unwrap());
    assert!(!limiter(None, RARE, 1, PATIENT).check().await.unwrap());
    let wrong = "redis://:a-secret-word@127.0.0.1:1/0";
    let error = limiter(Some(wrong), RARE, 1, PATIENT).check().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("a-secret-word"), "{error:?}");
    let redis = Redis::new(&"no address: a-secret-word".to_owned().into(), PATIENT);
    let error = redis.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("a-secret-word"), "{error:?}");
}

#[tokio::test]
async fn a_limit_that_is_used_up_takes_nothing_from_those_behind_it() {
    let few = Quota { per_minute: 1, burst: 2 };
    for url in [None, Some(valkey())] {
        let quotas = Quotas::new(|limit| if limit == Limit::Ask { few } else { RARE });
        let redis = url.map(|url| Redis::new(&url.into(), PATIENT).unwrap());
        let limiter = RateLimiter::new(LimiterSettings { quotas, redis, instances: 1 });
        let tenant = Some(TenantId::generate());
        let key = |limit| LimitKey::new(limit, tenant, Subject::Whole);
        let keys = [key(Limit::Ask), key(Limit::Caller), key(Limit::Tenant)];
        for left in [1, 0] {
            let told = limiter.take_all(&keys).await;
            let remaining: Vec<u32> = told.iter().map(|told| told.taken.remaining).collect();
            assert_eq!(remaining, [left, 18 + left, 18 + left]);
        }
        for _ in 0..10 {
            let told = limiter.take_all(&keys).await;
            assert_eq!((told.len(), told[0].is_allowed(), told[0].limit), (1, false, Limit::Ask));
        }
        // What lies behind has lost two and no more.
        assert_eq!(limiter.take(&keys[2]).await.taken.remaining, 17);
        assert!(limiter.take_all(&[]).await.is_empty());
    }
}

#[tokio::test]
async fn attempts_come_back_one_by_one_and_can_be_given_back() {
    let shared = SharedLimits::new(Redis::new(&valkey().into(), PATIENT).unwrap());
    let (key, hour) =
        (format!("pidima:attempts:{{{}}}", uuid::Uuid::new_v4()), Duration::from_secs(3_600));
    let take = async || shared.take_attempt(&key, 3, hour).await.unwrap();
    for _ in 0..20 {
        take().await.unwrap();
        shared.give_back_attempt(&key, 3, hour).await;
    }
    for _ in 0..3 {
        take().await.unwrap();
    }
    let wait = take().await.unwrap_err();
    assert!(wait <= hour && wait > hour - Duration::from_secs(60), "{wait:?}");
    shared.give_back_attempt(&key, 3, hour).await;
    take().await.unwrap();
    take().await.unwrap_err();
    // More than was taken is not given back.
    for _ in 0..9 {
        shared.give_back_attempt(&key, 3, hour).await;
    }
    for _ in 0..3 {
        take().await.unwrap();
    }
    take().await.unwrap_err();
}

//! The shared connection: one time-out and then none, back by itself, and not ended by what is wrong with one command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::ExtractiveModel;
use pidima::adapters::redis::{Redis, RedisError};
use pidima::app::{App, Outside};
use pidima::config::{Config, Env};
use redis::cmd;
use uuid::Uuid;

use crate::support::{Mode, OwnValkey, RedisProxy, RedisTls, eventually, minilm, services};

const PATIENT: Duration = Duration::from_secs(5);

fn handle(url: &str, patience: Duration) -> Redis {
    Redis::new(&url.to_owned().into(), patience).unwrap()
}

async fn pings(redis: &Redis) -> bool {
    let mut command = cmd("PING");
    command.arg("here");
    redis.query::<String>(command).await.is_ok_and(|reply| reply == "here")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_costs_one_time_out_and_comes_back_by_a_new_connection() {
    let proxy = RedisProxy::before(&services().valkey.unwrap()).await;
    let patience = Duration::from_secs(2);
    let redis = handle(&proxy.url, patience);
    eventually("an answer", || pings(&redis)).await;
    proxy.set(Mode::Silent);
    let error = redis.query::<String>(cmd("PING")).await.unwrap_err();
    assert!(matches!(error, RedisError::Slow(_)), "{error:?}");
    let began = Instant::now();
    for _ in 0..100 {
        let error = redis.query::<String>(cmd("PING")).await.unwrap_err();
        assert!(matches!(error, RedisError::Away), "{error:?}");
    }
    assert!(matches!(redis.own_connection().await, Err(RedisError::Away)));
    assert!(began.elapsed() < patience, "{:?}", began.elapsed());
    proxy.set(Mode::Pass);
    eventually("an answer again", || pings(&redis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_that_fail_together_end_one_connection_and_not_the_next() {
    let proxy = RedisProxy::before(&services().valkey.unwrap()).await;
    let redis = handle(&proxy.url, PATIENT);
    eventually("an answer", || pings(&redis)).await;
    proxy.set(Mode::Cut);
    let all = (0..50).map(|_| redis.query::<String>(cmd("PING")));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_err));
    proxy.set(Mode::Pass);
    eventually("an answer again", || pings(&redis)).await;
    for _ in 0..100 {
        assert!(pings(&redis).await);
    }
}

#[tokio::test]
async fn a_command_that_fails_by_itself_leaves_the_connection_to_others() {
    let redis = handle(&services().valkey.unwrap(), PATIENT);
    let key = format!("pidima-test:{}", Uuid::new_v4());
    let mut push = cmd("LPUSH");
    push.arg(&key).arg("x");
    redis.query::<i64>(push).await.unwrap();
    let mut get = cmd("GET");
    get.arg(&key);
    let wrong_type = redis.query::<String>(get).await.unwrap_err();
    let unknown = redis.query::<String>(cmd("NO-SUCH-COMMAND")).await.unwrap_err();
    let mut length = cmd("LLEN");
    length.arg(&key);
    let unexpected = redis.query::<Vec<String>>(length).await.unwrap_err();
    for error in [wrong_type, unknown, unexpected] {
        assert!(matches!(error, RedisError::Command(_)), "{error:?}");
        assert_eq!(redis.query::<String>(cmd("PING")).await.unwrap(), "PONG");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_counts_as_away_until_it_writes() {
    let own = OwnValkey::start().await;
    let (redis, operator) = (handle(own.server.url(), PATIENT), handle(own.server.url(), PATIENT));
    assert!(pings(&redis).await && pings(&operator).await);
    let follow = |of: [&str; 2]| {
        let mut command = cmd("REPLICAOF");
        command.arg(&of);
        operator.query::<String>(command)
    };
    follow(["127.0.0.1", "1"]).await.unwrap();
    let mut set = cmd("SET");
    set.arg("pidima-test:x").arg("y");
    let error = redis.query::<String>(set).await.unwrap_err();
    assert!(matches!(error, RedisError::Server(_)), "{error:?}");
    assert!(matches!(redis.check().await, Err(RedisError::Server(_))));
    assert!(matches!(redis.query::<String>(cmd("PING")).await, Err(RedisError::Away)));
    follow(["NO", "ONE"]).await.unwrap();
    eventually("an answer again", || pings(&redis)).await;
    own.stop().await;
    assert!(!pings(&redis).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_a_server_is_used_when_its_authority_is_trusted_and_not_else() {
    let tls = RedisTls::before(&services().valkey.unwrap()).await;
    let url = tls.url.clone().into();
    let trusting = Redis::trusting(&url, tls.authority.clone(), PATIENT).unwrap();
    assert!(pings(&trusting).await);
    trusting.check().await.unwrap();
    // A stranger's authority, and those of the system.
    let stranger = RedisTls::before(&services().valkey.unwrap()).await.authority;
    let refused = Redis::trusting(&url, stranger, PATIENT).unwrap().check().await;
    assert!(matches!(refused, Err(RedisError::Server(_))), "{refused:?}");
    let refused = handle(&tls.url, PATIENT).check().await;
    assert!(matches!(refused, Err(RedisError::Server(_))), "{refused:?}");
}

const TLS_URL: &str = "rediss://:a-secret-word@localhost:6379/0";

#[test]
fn authorities_that_can_not_be_used_are_told_before_anything_is_asked() {
    let tls = TLS_URL.to_owned().into();
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n?\n"] {
        let error = Redis::trusting(&tls, text.as_bytes().to_vec(), PATIENT).unwrap_err();
        assert!(matches!(error, RedisError::Authorities), "{error:?}");
        assert!(!error.to_string().contains("secret-word"));
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_is_of_no_use_is_named_with_its_variable() {
    let config = |url: Option<&str>, file: &str| {
        let mut pairs = vec![
            ("DATABASE_URL".to_owned(), "postgres://pidima_app@localhost/pidima".to_owned()),
            ("PIDIMA_REDIS_CA_FILE".to_owned(), file.to_owned()),
        ];
        pairs.extend(url.map(|url| ("PIDIMA_REDIS_URL".to_owned(), url.to_owned())));
        Config::from_env(&Env::from_pairs(pairs))
    };
    for url in [None, Some("redis://localhost:6379/0")] {
        let fault = config(url, "/ca.pem").unwrap_err().to_string();
        assert!(fault.contains("PIDIMA_REDIS_CA_FILE") && fault.contains("rediss://"), "{fault}");
    }
    let no_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    for (file, why) in [("/there/is/none.pem", "/there/is/none.pem"), (no_pem, "certificate")] {
        let config = config(Some(TLS_URL), file).unwrap();
        let outside = Outside {
            embedder: Arc::new(minilm().await),
            models: Arc::new(ExtractiveModel).into(),
        };
        let error = format!("{:#}", App::build(&config, outside).err().unwrap());
        assert!(error.contains("PIDIMA_REDIS_CA_FILE") && error.contains(why), "{error}");
        assert!(!error.contains("secret-word"), "{error}");
    }
}

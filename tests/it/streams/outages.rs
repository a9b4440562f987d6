//! Redis goes away, is emptied, or holds something else: readers beside the run notice nothing, others are told.

use std::time::{Duration, Instant};

use pidima::adapters::redis::{Redis, RedisError};
use pidima::adapters::streams::{EventStreams, RedisStreams, StreamError};

use super::{PATIENT, SETTINGS, events, instance, read_all, some_run};
use crate::support::{Mode, OwnValkey, RedisProxy, eventually, services};

async fn run(url: &str, command: &[&str]) -> redis::Value {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_cut_off_readers_beside_the_run_go_on_and_others_are_told() {
    let url = services().valkey.unwrap();
    let proxy = RedisProxy::before(&url).await;
    let [writer, reader] = [0, 1].map(|_| instance(&proxy.url));
    let (key, after) = (some_run(), some_run());
    writer.append(&key, &events(1..=3, false)).await.unwrap();
    let (beside, remote) = (writer.follow(&key).await, reader.follow(&key).await);
    assert_eq!(remote.after(0, PATIENT).await.unwrap().len(), 3);

    proxy.set(Mode::Cut);
    let lost = remote.after(3, PATIENT).await;
    assert!(matches!(lost, Err(StreamError::Lost)), "{lost:?}");
    let began = Instant::now();
    for number in 4..=50 {
        let told = writer.append(&key, &events(number..=number, number == 50)).await;
        assert!(matches!(told, Err(StreamError::Redis(_))), "{number}: {told:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(read_all(&beside, 0).await.unwrap(), events(1..=50, true));
    let absent = reader.follow(&key).await.after(0, PATIENT).await;
    assert!(matches!(absent, Err(StreamError::Lost)), "{absent:?}");

    proxy.set(Mode::Pass);
    eventually("told again", async || writer.append(&after, &events(1..=1, false)).await.is_ok())
        .await;
    // The gap stays one: nobody is shown what follows it.
    let told = writer.append(&key, &events(50..=50, true)).await;
    assert!(matches!(told, Err(StreamError::Lost)), "{told:?}");
    eventually("followed again", async || {
        reader.follow(&after).await.after(0, PATIENT).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_falls_silent_holds_up_neither_writer_nor_reader_for_long() {
    let patience = Duration::from_secs(2);
    let proxy = RedisProxy::before(&services().valkey.unwrap()).await;
    let [writer, reader] = [0, 1].map(|_| {
        RedisStreams::new(Redis::new(&proxy.url.clone().into(), patience).unwrap(), SETTINGS)
    });
    let key = some_run();
    eventually("told", async || writer.append(&key, &events(1..=1, false)).await.is_ok()).await;
    let remote = reader.follow(&key).await;
    eventually("followed", async || remote.after(0, PATIENT).await.is_ok()).await;
    proxy.set(Mode::Silent);
    let told = writer.append(&key, &events(2..=2, false)).await;
    assert!(matches!(told, Err(StreamError::Redis(RedisError::Slow(_)))), "{told:?}");
    let began = Instant::now();
    for number in 3..=50 {
        let told = writer.append(&key, &events(number..=number, false)).await;
        assert!(matches!(told, Err(StreamError::Redis(RedisError::Away))), "{told:?}");
    }
    assert!(began.elapsed() < patience, "{:?}", began.elapsed());
    let lost = remote.after(1, PATIENT).await;
    assert!(matches!(lost, Err(StreamError::Lost)), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_redis_is_noticed_by_the_writer_and_by_readers_that_wait() {
    let own = OwnValkey::start().await;
    let url = own.server.url().to_owned();
    let [writer, reader] = [0, 1].map(|_| instance(&url));
    let (key, next) = (some_run(), some_run());
    writer.append(&key, &events(1..=3, false)).await.unwrap();
    let (beside, remote) = (writer.follow(&key).await, reader.follow(&key).await);
    assert_eq!(remote.after(0, PATIENT).await.unwrap().len(), 3);
    run(&url, &["FLUSHALL"]).await;
    let lost = remote.after(3, PATIENT).await;
    assert!(matches!(lost, Err(StreamError::Lost)), "{lost:?}");
    let told = writer.append(&key, &events(4..=5, true)).await;
    assert!(matches!(told, Err(StreamError::Lost)), "{told:?}");
    assert_eq!(read_all(&beside, 0).await.unwrap(), events(1..=5, true));
    // The script is gone too, and comes back.
    run(&url, &["SCRIPT", "FLUSH"]).await;
    writer.append(&next, &events(1..=2, true)).await.unwrap();
    assert_eq!(read_all(&reader.follow(&next).await, 0).await.unwrap(), events(1..=2, true));
    own.stop().await;
    let told = writer.append(&some_run(), &events(1..=2, true)).await;
    assert!(matches!(told, Err(StreamError::Redis(_))), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_at_a_key_only_its_own_readers_are_told() {
    let url = services().valkey.unwrap();
    let [writer, reader] = [0, 1].map(|_| instance(&url));
    let good = some_run();
    writer.append(&good, &events(1..=1, false)).await.unwrap();
    let followed = reader.follow(&good).await;
    assert_eq!(followed.after(0, PATIENT).await.unwrap().len(), 1);
    for garbage in [&["SET", "", "words"][..], &["LPUSH", "", "x"], &["XADD", "", "*", "a", "b"]] {
        let key = some_run();
        let mut command = garbage.to_vec();
        command[1] = key.as_str();
        run(&url, &command).await;
        let lost = reader.follow(&key).await.after(0, PATIENT).await;
        assert!(matches!(lost, Err(StreamError::Lost)), "{command:?}: {lost:?}");
        if garbage[0] != "XADD" {
            let told = writer.append(&key, &events(1..=2, false)).await;
            assert!(matches!(told, Err(StreamError::Lost)), "{command:?}: {told:?}");
        }
    }
    writer.append(&good, &events(2..=3, true)).await.unwrap();
    assert_eq!(read_all(&followed, 1).await.unwrap(), events(2..=3, true));
}

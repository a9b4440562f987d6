//! Logs over a real Valkey: made at one instance, read at another.

use std::time::{Duration, Instant};

use pidima::adapters::redis::Redis;
use pidima::adapters::streams::{EventStreams, RedisStreams, StreamError, StreamSettings};

use super::{PATIENT, SETTINGS, events, instance, read_all, some_run};
use crate::support::{eventually, services};

fn valkey() -> String {
    services().valkey.unwrap()
}

async fn connection() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(valkey()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_appends_readers_of_others_get_without_gaps() {
    let [writer, reader] = [0, 1].map(|_| instance(&valkey()));
    let key = some_run();
    writer.append(&key, &events(1..=2, false)).await.unwrap();
    let mut readers = Vec::new();
    for after in [0, 1, 2, 0, 1] {
        let tail = reader.follow(&key).await;
        readers.push((after, tokio::spawn(async move { read_all(&tail, after).await })));
    }
    for number in 3..=200 {
        writer.append(&key, &events(number..=number, number == 200)).await.unwrap();
    }
    for (after, reading) in readers {
        assert_eq!(reading.await.unwrap().unwrap(), events(after + 1..=200, true));
    }
    eventually("nothing is followed any more", async || reader.followed() == 0).await;
    // Who comes later gets the whole from Redis, or from the writer's memory.
    for streams in [&reader, &writer] {
        let tail = streams.follow(&key).await;
        assert_eq!(read_all(&tail, 150).await.unwrap(), events(151..=200, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_logs_are_followed_over_one_connection_and_none_waits_for_another() {
    let [writer, reader] = [0, 1].map(|_| instance(&valkey()));
    let keys: Vec<_> = (0..100).map(|_| some_run()).collect();
    let mut readers = Vec::new();
    for key in &keys {
        writer.append(key, &events(1..=1, false)).await.unwrap();
        let tail = reader.follow(key).await;
        assert_eq!(tail.after(0, PATIENT).await.unwrap(), events(1..=1, false));
        readers.push(tokio::spawn(async move { read_all(&tail, 1).await.unwrap() }));
    }
    assert_eq!(reader.followed(), 100);
    // The last first, and the first never until then.
    for key in keys.iter().rev() {
        writer.append(key, &events(2..=20, true)).await.unwrap();
        let reading = readers.pop().unwrap();
        assert_eq!(reading.await.unwrap(), events(2..=20, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_reader_does_not_wait_for_the_wait_of_the_others_to_end() {
    let [writer, reader] = [0, 1].map(|_| instance(&valkey()));
    let quiet = some_run();
    writer.append(&quiet, &events(1..=1, false)).await.unwrap();
    let waiting = reader.follow(&quiet).await;
    assert_eq!(waiting.after(0, PATIENT).await.unwrap().len(), 1);
    let mut times = Vec::new();
    for _ in 0..21 {
        let key = some_run();
        writer.append(&key, &events(1..=5, true)).await.unwrap();
        let began = Instant::now();
        let tail = reader.follow(&key).await;
        assert_eq!(read_all(&tail, 0).await.unwrap(), events(1..=5, true));
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("from following to the first event: p50 {:?}, most {:?}", times[10], times[20]);
    assert!(times[10] < Duration::from_millis(250), "{times:?}");
    drop(waiting);
    eventually("nothing is followed any more", async || reader.followed() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_may_be_repeated_and_no_second_writer_follows_the_end() {
    let [writer, zombie, reader] = [0, 1, 2].map(|_| instance(&valkey()));
    let key = some_run();
    writer.append(&key, &events(1..=3, false)).await.unwrap();
    writer.append(&key, &events(1..=3, false)).await.unwrap();
    writer.append(&key, &events(2..=5, true)).await.unwrap();
    writer.append(&key, &events(5..=5, true)).await.unwrap();
    // It knows of three events, and goes on.
    zombie.append(&key, &events(1..=3, false)).await.unwrap();
    let late = zombie.append(&key, &events(4..=9, false)).await;
    assert!(matches!(late, Err(StreamError::Ended)), "{late:?}");
    let tail = reader.follow(&key).await;
    assert_eq!(read_all(&tail, 0).await.unwrap(), events(1..=5, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_cut_to_its_newest_events_and_ends_by_itself() {
    let redis = Redis::new(&valkey().into(), PATIENT).unwrap();
    let settings = StreamSettings { max_events: 10, ..SETTINGS };
    let [writer, reader] = [0, 1].map(|_| RedisStreams::new(redis.clone(), settings));
    let key = some_run();
    for (most, oldest) in [(9, 0), (10, 0), (11, 1)] {
        writer.append(&key, &events(1..=most, false)).await.unwrap();
        let tail = reader.follow(&key).await;
        let kept = tail.after(oldest, PATIENT).await.unwrap();
        assert_eq!(kept, events(oldest + 1..=most, false), "{most}");
        if oldest > 0 {
            assert!(matches!(tail.after(oldest - 1, PATIENT).await, Err(StreamError::Lost)));
        }
    }
    let left: i64 =
        redis::cmd("PTTL").arg(key.as_str()).query_async(&mut connection().await).await.unwrap();
    let ttl = i64::try_from(SETTINGS.ttl.as_millis()).unwrap();
    assert!((1..=ttl).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_a_log_that_there_is_not_is_told_so_at_once() {
    let reader = instance(&valkey());
    let began = Instant::now();
    let tail = reader.follow(&some_run()).await;
    let absent = tail.after(0, PATIENT).await;
    assert!(matches!(absent, Err(StreamError::Lost)), "{absent:?}");
    assert!(began.elapsed() < PATIENT, "{:?}", began.elapsed());
}

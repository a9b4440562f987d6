//! Logs of one instance.

use std::time::Duration;

use pidima::adapters::streams::{EventStreams, LocalStreams, StreamError, StreamSettings};

use super::{PATIENT, SETTINGS, events, read_all, some_run};

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test]
async fn readers_at_any_number_get_the_same_events_without_gaps() {
    let streams = LocalStreams::new(SETTINGS);
    let key = some_run();
    streams.append(&key, &events(1..=3, false)).await.unwrap();
    let tail = streams.follow(&key).await;
    assert_eq!(tail.after(0, AT_ONCE).await.unwrap(), events(1..=3, false));
    assert_eq!(tail.after(2, AT_ONCE).await.unwrap(), events(3..=3, false));
    assert_eq!(tail.after(3, AT_ONCE).await.unwrap(), []);
    let reading = tokio::spawn(async move { read_all(&tail, 1).await.unwrap() });
    for number in 4..=50 {
        streams.append(&key, &events(number..=number, number == 50)).await.unwrap();
    }
    assert_eq!(reading.await.unwrap(), events(2..=50, true));
    let late = streams.follow(&key).await;
    assert_eq!(read_all(&late, 0).await.unwrap(), events(1..=50, true));
    assert!(matches!(late.after(50, AT_ONCE).await, Err(StreamError::Ended)));
}

#[tokio::test]
async fn an_append_may_be_repeated_and_neither_leaves_a_gap_nor_follows_the_end() {
    let streams = LocalStreams::new(SETTINGS);
    let key = some_run();
    let unbegun = streams.append(&key, &events(2..=2, false)).await;
    assert!(matches!(unbegun, Err(StreamError::Lost)));
    streams.append(&key, &events(1..=3, false)).await.unwrap();
    streams.append(&key, &events(1..=3, false)).await.unwrap();
    streams.append(&key, &events(2..=5, false)).await.unwrap();
    let gap = streams.append(&key, &events(7..=7, false)).await;
    assert!(matches!(gap, Err(StreamError::Lost)), "{gap:?}");
    streams.append(&key, &events(6..=6, true)).await.unwrap();
    streams.append(&key, &events(6..=6, true)).await.unwrap();
    let late = streams.append(&key, &events(7..=7, false)).await;
    assert!(matches!(late, Err(StreamError::Ended)), "{late:?}");
    let tail = streams.follow(&key).await;
    assert_eq!(read_all(&tail, 0).await.unwrap(), events(1..=6, true));
}

#[tokio::test]
async fn a_reader_behind_the_oldest_event_that_is_kept_is_told_so() {
    let streams = LocalStreams::new(StreamSettings { max_events: 10, ..SETTINGS });
    let key = some_run();
    for (most, oldest) in [(9, 0), (10, 0), (11, 1)] {
        streams.append(&key, &events(1..=most, false)).await.unwrap();
        let tail = streams.follow(&key).await;
        let kept = tail.after(oldest, AT_ONCE).await.unwrap();
        assert_eq!(kept, events(oldest + 1..=most, false), "{most}");
        if oldest > 0 {
            assert!(matches!(tail.after(oldest - 1, AT_ONCE).await, Err(StreamError::Lost)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_goes_some_time_after_its_newest_event() {
    let streams = LocalStreams::new(SETTINGS);
    let (old, new) = (some_run(), some_run());
    streams.append(&old, &events(1..=2, true)).await.unwrap();
    tokio::time::advance(SETTINGS.ttl - Duration::from_millis(1)).await;
    streams.append(&new, &events(1..=1, false)).await.unwrap();
    assert_eq!(streams.count(), 2);
    let tail = streams.follow(&old).await;
    tokio::time::advance(SETTINGS.ttl / 2).await;
    streams.append(&new, &events(2..=2, false)).await.unwrap();
    assert_eq!(streams.count(), 1);
    assert_eq!(read_all(&tail, 0).await.unwrap(), events(1..=2, true), "who reads, reads on");
    let late = streams.follow(&old).await;
    assert!(matches!(late.after(0, PATIENT).await, Err(StreamError::Lost)));
}

#[tokio::test]
async fn the_run_of_another_tenant_is_a_log_that_there_is_not() {
    let streams = LocalStreams::new(SETTINGS);
    streams.append(&some_run(), &events(1..=1, false)).await.unwrap();
    let tail = streams.follow(&some_run()).await;
    assert!(matches!(tail.after(0, PATIENT).await, Err(StreamError::Lost)));
}

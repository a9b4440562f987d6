//! A collector that is away or does not answer holds nobody up, is told at `/readyz`, and what is lost is counted.

use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::net::TcpListener;

use super::collector::Collector;
use crate::support::eventually;
use crate::support::process::free_port;
use crate::support::program::{House, Process, http};

/// Longer than any request may be held up, and shorter than what a collector that hangs is waited for.
const BUSY_MACHINE: Duration = Duration::from_secs(20);

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn ask(api: &Process, client: &Client, key: &str) {
    let began = Instant::now();
    let request = client.get(format!("{}/v1/me", api.url)).bearer_auth(key);
    let request = request.header("traceparent", SAMPLED);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert!(began.elapsed() < BUSY_MACHINE, "a request waited for the collector");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_told_until_it_comes_back() {
    let house = House::new().await;
    let key = house.tenant("told-away");
    let address = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{address}");
    // Nothing is told but what its sender keeps.
    let settings = [("PIDIMA_OTLP_ENDPOINT", url.as_str()), ("PIDIMA_TRACE_RATIO", "0")];
    let api = house.start("api", &["serve"], &settings).ready().await;
    assert!(!api.degraded().await.contains("traces"), "nothing was tried yet");
    let client = http();
    ask(&api, &client, &key).await;
    eventually("degraded", || async { api.degraded().await.contains("traces") }).await;
    eventually("dropped", || async { api.figure("pidima_spans_dropped_total", "").await > 0.0 })
        .await;
    let log = api.log();
    assert!(log.contains("the collector of traces does not take spans"), "{log}");

    let collector = Collector::at(TcpListener::bind(address).await.unwrap());
    eventually("well again", || async {
        ask(&api, &client, &key).await;
        !api.degraded().await.contains("traces")
    })
    .await;
    assert!(!collector.spans().is_empty());
    assert!(api.figure("pidima_spans_exported_total", "").await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_no_request_and_no_end() {
    let (collector, house) = (Collector::start().await, House::new().await);
    collector.hang();
    let key = house.tenant("told-hanging");
    let settings = [
        ("PIDIMA_OTLP_ENDPOINT", collector.url.as_str()),
        ("PIDIMA_OTLP_TIMEOUT_MS", "60000"),
        ("PIDIMA_OTLP_QUEUE_SPANS", "8"),
        ("PIDIMA_OTLP_BATCH_SPANS", "1"),
        ("PIDIMA_OTLP_FLUSH_MS", "100"),
    ];
    let api = house.start("api", &["serve"], &settings).ready().await;
    let client = http();
    let dropped = || async { api.figure("pidima_spans_dropped_total", "").await };
    eventually("the queue is full", || async {
        ask(&api, &client, &key).await;
        dropped().await > 0.0
    })
    .await;
    let before = dropped().await;
    ask(&api, &client, &key).await;
    eventually("each one more is counted", || async { dropped().await > before }).await;
    assert!(api.degraded().await.contains("traces"));
    assert_eq!(collector.spans().len(), 0);
    // Well before the request that hangs is given up.
    api.end_within(Duration::from_secs(40)).await;
}

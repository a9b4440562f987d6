//! A reader of log lines who takes none holds up nobody: lines are dropped and counted.

use std::time::Duration;

use crate::support::eventually;
use crate::support::program::{House, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_no_request() {
    let house = House::new().await;
    let key = house.tenant("told-to-nobody");
    // A pipe takes 64 KiB, and then whoever writes waits.
    let settings = [
        ("PIDIMA_LOG", "debug,pidima=trace"),
        ("PIDIMA_LOG_BUFFER_LINES", "50"),
        ("PIDIMA_METRICS_EMF_SECONDS", "1"),
    ];
    let api = house.start_unread("api", &["serve"], &settings).ready().await;
    let client = http();
    let ask = || async {
        let request = client.get(format!("{}/v1/collections", api.url)).bearer_auth(&key);
        assert_eq!(request.send().await.expect("an answer in time").status(), 200);
    };
    let dropped = || async { api.figure("pidima_log_lines_dropped_total", "").await };
    eventually("lines are dropped", || async {
        ask().await;
        dropped().await > 0.0
    })
    .await;
    let before = dropped().await;
    ask().await;
    ask().await;
    assert!(dropped().await > before, "nobody reads, and lines are dropped all the same");
    api.end_within(Duration::from_secs(40)).await;
}

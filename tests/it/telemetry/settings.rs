//! Settings that can not be used are told with all others, and the doctor looks at the collector.

use std::process::Command;

use super::collector::Collector;
use crate::support::program::House;

#[test]
fn what_can_not_be_used_is_told_at_once_and_no_secret_with_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("doctor")
        .current_dir(std::env::temp_dir())
        .env_clear()
        .env("PIDIMA_ENV_FILE", "/dev/null")
        .env("DATABASE_URL", "postgres://pidima_app@127.0.0.1:1/none")
        .env("PIDIMA_OTLP_ENDPOINT", "http://somebody:passw0rd@collector:4318")
        .env("PIDIMA_OTLP_HEADERS", "s3cret")
        .env("PIDIMA_TRACE_RATIO", "1.01")
        .env("PIDIMA_OTLP_BATCH_SPANS", "0")
        .env("PIDIMA_OTLP_QUEUE_SPANS", "1000001")
        .env("PIDIMA_LOG_BUFFER_LINES", "0")
        .env("PIDIMA_OPS_LISTEN", "here")
        .env("PIDIMA_METRICS_EMF_SECONDS", "3601")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{told}");
    for name in [
        "PIDIMA_OTLP_ENDPOINT",
        "PIDIMA_OTLP_HEADERS",
        "PIDIMA_TRACE_RATIO",
        "PIDIMA_OTLP_BATCH_SPANS",
        "PIDIMA_OTLP_QUEUE_SPANS",
        "PIDIMA_LOG_BUFFER_LINES",
        "PIDIMA_OPS_LISTEN",
        "PIDIMA_METRICS_EMF_SECONDS",
    ] {
        assert!(told.lines().any(|line| line.starts_with(name)), "{name} is missing in {told}");
    }
    assert!(!told.contains("passw0rd") && !told.contains("s3cret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_collector() {
    let (collector, house) = (Collector::start().await, House::new().await);
    let line = |endpoint: &str| {
        let told = house.run(&["doctor"], &[("PIDIMA_OTLP_ENDPOINT", endpoint)]);
        told.lines().find(|line| line.contains("collector of traces")).unwrap().to_owned()
    };
    assert_eq!(line(&collector.url), "ok    collector of traces: takes spans");
    assert_eq!(line(""), "ok    collector of traces: not set: no traces are made");
    let away = "FAIL  collector of traces: PIDIMA_OTLP_ENDPOINT: it is away";
    assert_eq!(line("http://127.0.0.1:1"), away);
    let elsewhere = line(&format!("{}/elsewhere", collector.url));
    assert!(elsewhere.ends_with("it answers 404"), "{elsewhere}");
}

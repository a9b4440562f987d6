//! Metrics: the page for Prometheus at an address of its own, and lines for CloudWatch.

use std::time::Duration;

use serde_json::{Value, json};

use super::collector::Collector;
use crate::rolling::model::PacedServer;
use crate::support::eventually;
use crate::support::program::{self, House, Process, http, sum};

const GUIDE: &str = "# Pumps\n\nThe pump of hall seven runs at night.\n";

/// What an operator looks for.
const FAMILIES: [&str; 22] = [
    "pidima_http_requests_total",
    "pidima_http_request_duration_seconds",
    "pidima_streams_open",
    "pidima_runs_total",
    "pidima_run_duration_seconds",
    "pidima_first_token_seconds",
    "pidima_model_tokens_total",
    "pidima_retrievals_total",
    "pidima_retrieval_duration_seconds",
    "pidima_jobs_total",
    "pidima_ingestion_attempts_total",
    "pidima_ingestion_stage_duration_seconds",
    "pidima_queue_messages",
    "pidima_queue_oldest_message_age_seconds",
    "pidima_db_connections",
    "pidima_db_connections_max",
    "pidima_db_connection_wait_seconds",
    "pidima_session_cache_reads_total",
    "pidima_spans_exported_total",
    "pidima_spans_dropped_total",
    "pidima_log_lines_dropped_total",
    "pidima_model_cost_usd_total",
];
/// Families that are there only once something was counted.
const LATER: [&str; 2] = ["pidima_model_cost_usd_total", "pidima_session_cache_reads_total"];

async fn ask(api: &Process, key: &str) {
    let document: Value = program::json(api.upload(key, "pumps.md", GUIDE)).await;
    api.until_ready(key, document["id"].as_str().unwrap()).await;
    let question = json!({ "question": "Which pump runs at night?" });
    let answer = program::json(api.post("/v1/answers", key).json(&question)).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
}

/// Every line is one of the format: a help, a type, or a series with a number.
fn assert_readable(page: &str) {
    for line in page.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
        assert_eq!(series.contains('{'), series.ends_with('}'), "{line}");
        let family = name.trim_end_matches("_bucket").trim_end_matches("_sum");
        let family = family.trim_end_matches("_count");
        assert!(page.contains(&format!("# TYPE {family} ")), "{line}");
        assert!(page.contains(&format!("# HELP {family} ")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_question_the_page_holds_what_it_took() {
    let house = House::new().await;
    let key = house.tenant("told-in-numbers");
    let api = house.start("api", &["serve"], &[("PIDIMA_METRICS_MAX_AGE_MS", "0")]).ready().await;
    ask(&api, &key).await;
    let page = api.page().await;
    assert_readable(&page);
    for family in FAMILIES.into_iter().filter(|family| !LATER.contains(family)) {
        assert!(page.contains(&format!("# TYPE {family} ")), "{family} is missing:\n{page}");
    }
    let figure = |family: &str, holding: &str| sum(&page, family, holding);
    assert_eq!(figure("pidima_runs_total", "outcome=\"answered\""), 1.0, "{page}");
    assert_eq!(figure("pidima_runs_total", ""), 1.0);
    assert_eq!(figure("pidima_first_token_seconds_count", "provider=\"extractive\""), 1.0);
    assert_eq!(figure("pidima_retrievals_total", "mode=\"exact\""), 1.0, "{page}");
    assert_eq!(figure("pidima_ingestion_attempts_total", "outcome=\"ready\""), 1.0);
    assert_eq!(figure("pidima_ingestion_stage_duration_seconds_count", ""), 4.0);
    assert_eq!(figure("pidima_http_requests_total", "create_answer"), 1.0, "{page}");
    assert_eq!(figure("pidima_http_requests_total", "operation=\"create_document\""), 1.0);
    assert_eq!(figure("pidima_streams_open", ""), 0.0);
    assert!(figure("pidima_db_connections", "") >= 1.0, "{page}");
    assert_eq!(figure("pidima_db_connections_max", ""), 20.0);
    // Nothing tells a tenant: neither its id, which a key begins with, nor its name.
    let tenant = key.split('_').nth(1).unwrap();
    assert!(tenant.len() > 20 && !page.contains(tenant) && !page.contains("told-in-numbers"));
    eventually("the line is empty", || async {
        api.figure("pidima_queue_messages", "").await == 0.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_sign_of_life_is_neither_counted_nor_traced() {
    let (collector, house) = (Collector::start().await, House::new().await);
    let key = house.tenant("told-probes");
    let settings = [("PIDIMA_OTLP_ENDPOINT", collector.url.as_str())];
    let api = house.start("api", &["serve"], &settings).ready().await;
    for path in ["/healthz", "/readyz"] {
        let reply = http().get(format!("{}{path}", api.url)).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
    }
    program::json(http().get(format!("{}/v1/me", api.url)).bearer_auth(&key)).await;
    let names =
        || -> Vec<String> { collector.spans().into_iter().map(|told| told.span.name).collect() };
    eventually("the span of the last request", || async {
        names().iter().any(|name| name == "GET get_me")
    })
    .await;
    // Spans are told in their order: those of the probes would be here.
    assert!(!names().iter().any(|name| name == "GET -"), "{:?}", names());
    let page = api.page().await;
    assert_eq!(sum(&page, "pidima_http_requests_total", "operation=\"get_me\""), 1.0, "{page}");
    assert_eq!(sum(&page, "pidima_http_requests_total", "operation=\"-\""), 0.0, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_until_the_end_of_a_process_is_told_before_it_ends() {
    let (house, model) = (House::new().await, PacedServer::start().await);
    let key = house.tenant("told-at-the-end");
    let settings = [
        ("PIDIMA_METRICS_EMF_SECONDS", "3600"),
        ("PIDIMA_MODEL_PROVIDER", "openai"),
        ("PIDIMA_OPENAI_BASE_URL", model.url.as_str()),
        ("PIDIMA_OPENAI_MODEL", "paced"),
        ("PIDIMA_CHAT_MIN_EVIDENCE", "0"),
    ];
    let api = house.start("api", &["serve"], &settings).ready().await;
    let document: Value = program::json(api.upload(&key, "pumps.md", GUIDE)).await;
    api.until_ready(&key, document["id"].as_str().unwrap()).await;
    let question = json!({ "question": "Which pump runs at night?" });
    let asking =
        api.post("/v1/answers", &key).json(&question).header("accept", "text/event-stream");
    let mut stream = asking.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    stream.chunk().await.unwrap();
    assert!(!api.out().contains("pidima_runs_total"), "{}", api.out());
    // The answer goes on while the process ends, and ends there.
    let out = api.out_at_its_end(Duration::from_secs(60)).await;
    let told = out.lines().filter(|line| line.contains("pidima_runs_total"));
    let told: Vec<Value> = told.map(|line| serde_json::from_str(line).unwrap()).collect();
    let count: f64 = told.iter().map(|line| line["pidima_runs_total"].as_f64().unwrap()).sum();
    assert_eq!(count, 1.0, "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_process_died_is_counted_by_whoever_ends_it() {
    let (house, model) = (House::new().await, PacedServer::start().await);
    let key = house.tenant("told-of-the-dead");
    let settings = [
        ("PIDIMA_MODEL_PROVIDER", "openai"),
        ("PIDIMA_OPENAI_BASE_URL", model.url.as_str()),
        ("PIDIMA_OPENAI_MODEL", "paced"),
        ("PIDIMA_CHAT_MIN_EVIDENCE", "0"),
        ("PIDIMA_RUN_LEASE_MS", "2000"),
    ];
    let api = house.start("api", &["serve"], &settings).ready().await;
    let document: Value = program::json(api.upload(&key, "pumps.md", GUIDE)).await;
    api.until_ready(&key, document["id"].as_str().unwrap()).await;
    let question = json!({ "question": "Which pump runs at night?" });
    let asking =
        api.post("/v1/answers", &key).json(&question).header("accept", "text/event-stream");
    let mut stream = asking.send().await.unwrap();
    stream.chunk().await.unwrap();
    drop(api);
    let other = house.start("other", &["serve"], &settings).ready().await;
    eventually("the run is ended and counted", || async {
        other.figure("pidima_runs_total", "").await == 1.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_open_while_it_is_read() {
    let house = House::new().await;
    let key = house.tenant("told-streams");
    // No worker: the document stays where it is, and who follows its job waits.
    let api = house.start("api", &["serve", "--without-worker"], &[]).ready().await;
    let document: Value = program::json(api.upload(&key, "pumps.md", GUIDE)).await;
    let jobs = http().get(format!("{}/v1/ingestion_jobs", api.url)).bearer_auth(&key);
    let job = program::json(jobs).await["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{}/v1/ingestion_jobs/{job}/events", api.url);
    let stream = http().get(path).bearer_auth(&key).header("accept", "text/event-stream");
    let mut stream = stream.send().await.unwrap();
    assert_eq!(stream.status(), 200, "of {document}");
    stream.chunk().await.unwrap();
    assert_eq!(api.figure("pidima_streams_open", "").await, 1.0);
    drop(stream);
    eventually("the stream is closed", || async {
        api.figure("pidima_streams_open", "").await == 0.0
    })
    .await;
    assert_eq!(api.figure("pidima_queue_messages", "").await, 1.0, "{}", api.page().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_api_have_addresses_of_their_own() {
    let house = House::new().await;
    let key = house.tenant("told-apart");
    let api = house.start("api", &["serve"], &[]).ready().await;
    let status = |url: String| {
        let request = http().get(url).bearer_auth(&key);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status(format!("{}/metrics", api.ops)).await, 200);
    assert_eq!(status(format!("{}/metrics", api.url)).await, 404);
    for path in ["/", "/v1/me", "/v1/collections", "/healthz", "/openapi.json", "/metrics/"] {
        assert_eq!(status(format!("{}{path}", api.ops)).await, 404, "{path}");
    }
    assert_eq!(status(format!("{}/v1/me", api.url)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_cloudwatch_say_what_they_hold() {
    let house = House::new().await;
    let key = house.tenant("told-to-cloudwatch");
    let settings = [
        ("PIDIMA_METRICS_EMF_SECONDS", "1"),
        ("PIDIMA_METRICS_EMF_NAMESPACE", "Pidima/tests"),
        ("PIDIMA_SERVICE_NAME", "the-service"),
    ];
    let api = house.start("api", &["serve"], &settings).ready().await;
    ask(&api, &key).await;
    eventually("a line of the question", || async { api.out().contains("pidima_runs_total") })
        .await;
    let out = api.out();
    let whole = &out[..=out.rfind('\n').unwrap()];
    let (mut answered, mut times) = (0.0, 0);
    for line in whole.lines() {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(read["_aws"]["Timestamp"].as_i64().unwrap() > 1_700_000_000_000, "{line}");
        let directive = &read["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Pidima/tests", "{line}");
        let metric = &directive["Metrics"][0];
        let name = metric["Name"].as_str().unwrap();
        let dimensions = directive["Dimensions"][0].as_array().unwrap();
        assert!(dimensions.len() <= 3, "{line}");
        for dimension in dimensions {
            let dimension = dimension.as_str().unwrap();
            let known = [
                "service",
                "outcome",
                "model",
                "direction",
                "mode",
                "kind",
                "stage",
                "state",
                "status",
            ];
            assert!(known.contains(&dimension), "{line}");
            assert!(read[dimension].is_string(), "{line}");
        }
        assert_eq!(read["service"], "the-service");
        let value = &read[name];
        if name.ends_with("_seconds") && value.is_object() {
            assert_eq!(metric["Unit"], "Seconds", "{line}");
            assert_eq!(
                value["Values"].as_array().unwrap().len(),
                value["Counts"].as_array().unwrap().len()
            );
            times += 1;
        } else {
            assert!(value.is_number(), "{line}");
        }
        if name == "pidima_runs_total" && read["outcome"] == "answered" {
            answered += value.as_f64().unwrap();
        }
    }
    assert_eq!(answered, 1.0, "the same run is told once:\n{whole}");
    assert!(times > 3, "{whole}");
    assert!(!out.contains(key.split('_').nth(1).unwrap()), "a tenant is no dimension");
    assert!(!out.contains("told-to-cloudwatch"));
}

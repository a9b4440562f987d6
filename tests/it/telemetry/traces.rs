//! One question is one trace, and so is one upload, also where another process does its work.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::collector::{Collector, ToldSpan};
use crate::support::eventually;
use crate::support::program::{self, House, Process};

/// What only the tenant says.
const MARK: &str = "zarquonite";
pub(super) const GUIDE: &str =
    "# Zarquonite pumps\n\nThe zarquonite pump of hall seven runs at night.\n";

/// The way of a trace at its sender.
pub(super) const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
const PARENT: &str = "53995c3f42cd8ad8";
pub(super) const XRAY: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

fn names(spans: &[ToldSpan]) -> Vec<&str> {
    spans.iter().map(|told| told.span.name.as_str()).collect()
}

/// Whether every span hangs below another or below `top`.
fn is_connected(spans: &[ToldSpan], top: &str) -> bool {
    let ids: HashSet<String> = spans.iter().map(ToldSpan::id).collect();
    let tops = spans.iter().filter(|span| span.parent() == top).count();
    tops == 1 && spans.iter().all(|span| span.parent() == top || ids.contains(&span.parent()))
}

/// Waits until a trace has all these spans, and every one hangs together.
async fn whole(collector: &Collector, trace: &str, top: &str, wanted: &[&str]) -> Vec<ToldSpan> {
    eventually(&format!("a whole trace with {wanted:?}"), || async {
        let spans = collector.of_trace(trace);
        let names = names(&spans);
        wanted.iter().all(|name| names.contains(name)) && is_connected(&spans, top)
    })
    .await;
    collector.of_trace(trace)
}

fn find<'a>(spans: &'a [ToldSpan], name: &str) -> &'a ToldSpan {
    spans.iter().find(|told| told.span.name == name).unwrap_or_else(|| panic!("no span {name}"))
}

/// Nothing of a tenant and no secret is told to the collector.
fn assert_silent(collector: &Collector, secrets: &[&str]) {
    let told = format!("{:?}", collector.spans()).to_lowercase();
    assert!(told.contains("http.response.status_code"), "the eyes are open");
    for secret in secrets {
        assert!(!told.contains(&secret.to_lowercase()), "{secret} was told to the collector");
    }
}

pub(super) async fn learn(api: &Process, key: &str, header: (&str, &str)) -> String {
    let upload = api.upload(key, "zarquonite-pumps.md", GUIDE).header(header.0, header.1);
    let document: Value = program::json(upload).await;
    let id = document["id"].as_str().unwrap().to_owned();
    api.until_ready(key, &id).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_is_one_trace_from_the_request_to_the_stored_answer() {
    let (collector, house) = (Collector::start().await, House::new().await);
    let key = house.tenant("told-question");
    let settings = [
        ("PIDIMA_OTLP_ENDPOINT", collector.url.as_str()),
        ("PIDIMA_OTLP_HEADERS", "api-key=of-the-collector"),
        // Only what the sender keeps.
        ("PIDIMA_TRACE_RATIO", "0"),
    ];
    let api = house.start("api", &["serve"], &settings).ready().await;
    learn(&api, &key, ("x-unread", "1")).await;
    let session = program::json(api.post("/v1/sessions", &key).json(&json!({}))).await;
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let body = json!({ "content": "Which zarquonite pump runs at night?" });
    // Left to us, and refused by the sender: neither is kept.
    let undecided = "Root=1-5759e988-000000000000000000000001";
    let refused = "00-5759e988000000000000000000000002-53995c3f42cd8ad8-00";
    let none = api.post(&path, &key).json(&body).header("x-amzn-trace-id", undecided);
    program::json(none).await;
    program::json(api.post(&path, &key).json(&body).header("traceparent", refused)).await;
    program::json(api.post(&path, &key).json(&body).header("x-amzn-trace-id", XRAY)).await;

    let wanted = [
        "POST create_message",
        "cache get",
        "transaction",
        "answer",
        "embeddings all-minilm-l6-v2-int8",
        "retrieval",
        "search snapshot",
        "search dense",
        "search lexical",
        "fuse",
        "read passages",
        "prompt",
    ];
    let spans = whole(&collector, TRACE, PARENT, &wanted).await;
    let request = find(&spans, "POST create_message");
    assert_eq!(request.parent(), PARENT);
    assert_eq!(request.attribute("http.response.status_code").as_deref(), Some("200"));
    let model = spans.iter().find(|told| told.span.name.starts_with("chat ")).unwrap();
    assert_eq!(model.attribute("gen_ai.operation.name").as_deref(), Some("chat"));
    assert_eq!(model.attribute("gen_ai.provider.name").as_deref(), Some("extractive"));
    assert!(model.attribute("gen_ai.request.model").is_some(), "{model:?}");
    assert!(model.attribute("gen_ai.usage.output_tokens").is_some(), "{model:?}");
    assert_eq!(model.attribute("gen_ai.response.finish_reasons").as_deref(), Some("stop"));
    let sql = find(&spans, "search snapshot");
    assert_eq!(sql.attribute("db.system.name").as_deref(), Some("postgresql"));
    assert_eq!(sql.parent(), find(&spans, "retrieval").id());
    assert_eq!(find(&spans, "answer").parent(), request.id());
    for told in &spans {
        let (from, to) = (told.span.start_time_unix_nano, told.span.end_time_unix_nano);
        assert!(from > 0 && from <= to, "{told:?}");
    }

    let others: Vec<_> =
        collector.spans().into_iter().filter(|it| it.trace_id() != TRACE).collect();
    assert!(others.is_empty(), "{:?}", names(&others));
    assert!(collector.keys().iter().all(|key| key.as_deref() == Some("of-the-collector")));
    let (_, secret) = key.rsplit_once('_').unwrap();
    assert_silent(&collector, &[MARK, "told-question", "hall seven", secret, "of-the-collector"]);
    // The line of the request tells the trace, and none tells a secret.
    let log = api.log();
    let line = log.lines().find(|line| line.contains("create_message") && line.contains(TRACE));
    let line: Value = serde_json::from_str(line.expect("a line with the trace")).unwrap();
    assert_eq!(line["span"]["trace_id"], TRACE, "{line}");
    assert!(!log.contains("of-the-collector") && !log.contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upload_is_one_trace_from_the_request_to_the_worker() {
    let (collector, house) = (Collector::start().await, House::new().await);
    let key = house.tenant("told-upload");
    let endpoint = ("PIDIMA_OTLP_ENDPOINT", collector.url.as_str());
    let of_api = [endpoint, ("PIDIMA_SERVICE_NAME", "the-api")];
    let of_worker = [endpoint, ("PIDIMA_SERVICE_NAME", "the-worker")];
    let api = house.start("api", &["serve", "--without-worker"], &of_api).ready().await;
    let worker = house.start("worker", &["worker"], &of_worker).working().await;
    // As a load balancer sends it: a trace without a span, and nobody has decided.
    learn(
        &api,
        &key,
        ("x-amzn-trace-id", &format!("Self=1-1-1;Root=1-{}-{}", &TRACE[..8], &TRACE[8..])),
    )
    .await;
    let wanted = [
        "POST create_document",
        "process ingest_version",
        "get original",
        "parse and chunk",
        "embed passages",
        "index",
        "transaction",
    ];
    let spans = whole(&collector, TRACE, "", &wanted).await;
    let (request, job) = (find(&spans, wanted[0]), find(&spans, wanted[1]));
    assert_eq!((request.service.as_str(), job.service.as_str()), ("the-api", "the-worker"));
    assert_eq!(request.parent(), "", "the first span of the trace");
    assert!(worker.log().contains("version ready"), "{}", worker.log());
    assert_silent(
        &collector,
        &[MARK, "told-upload", "hall seven", key.rsplit_once('_').unwrap().1],
    );
    // Whoever looks for the request in the store of messages finds no trace of its texts either.
    assert!(worker.figure("pidima_jobs_total", "ingest_version").await >= 1.0);
}

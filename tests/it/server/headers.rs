//! What every response carries, whatever its status.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::{TEXT, start};
use crate::support::{Reply, TestTenant};

/// One response of each kind.
async fn replies(tenant: &TestTenant) -> Vec<(&'static str, u16, Reply)> {
    let nobody = tenant.with_key("pdm_nobody");
    let odd_type = tenant
        .request(Method::POST, "/v1/search")
        .body("query")
        .header("content-type", "text/plain");
    let large = tenant.request(Method::POST, "/v1/search").body("x".repeat(300_000));
    let unlike = tenant
        .request(Method::POST, "/v1/answers")
        .json(&json!({ "question": "Keys?" }))
        .header("accept", "text/html");
    let broken = tenant
        .request(Method::POST, "/v1/search")
        .body("{")
        .header("content-type", "application/json");
    let missing = format!("/v1/documents/{}", tenant.id);
    vec![
        ("entrance", 200, tenant.get("/").await),
        ("docs", 200, tenant.get("/docs").await),
        ("document", 200, tenant.get("/openapi.json").await),
        ("health", 200, tenant.get("/healthz").await),
        ("readiness", 200, tenant.get("/readyz").await),
        ("list", 200, tenant.get("/v1/documents").await),
        ("creation", 201, tenant.post("/v1/sessions", &json!({})).await),
        ("upload", 202, tenant.upload("a.md", TEXT).await),
        ("unknown path", 404, tenant.get("/v1/nothing").await),
        ("unknown id", 404, tenant.get(&missing).await),
        ("deletion of nothing", 404, tenant.delete(&missing).await),
        ("id that is none", 404, tenant.get("/v1/documents/1").await),
        ("wrong method", 405, tenant.delete("/v1/search").await),
        ("wrong key", 401, nobody.get("/v1/documents").await),
        ("wrong key of a write", 401, nobody.post("/v1/sessions", &json!({})).await),
        ("wrong type", 415, tenant.send(odd_type).await),
        ("wrong form", 406, tenant.send(unlike).await),
        ("too large", 413, tenant.send(large).await),
        ("no JSON", 400, tenant.send(broken).await),
        ("no field", 422, tenant.post("/v1/search", &json!({})).await),
        (
            "panic",
            500,
            tenant.post("/v1/search", &json!({ "query": "make the embedder panic" })).await,
        ),
    ]
}

#[tokio::test]
async fn every_response_has_an_id_and_the_security_headers() {
    let (app, _) = start().await;
    let tenant = app.tenant("acme").await;
    let mut ids = BTreeSet::new();
    let mut faults = Vec::new();
    let replies = replies(&tenant).await;
    let count = replies.len();
    for (kind, status, reply) in replies {
        if reply.status.as_u16() != status {
            faults.push(format!(
                "{kind}: status {} instead of {status}: {}",
                reply.status,
                reply.text()
            ));
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            if reply.headers.get(name).is_none_or(|found| found != value) {
                faults.push(format!("{kind}: {name} is {:?}", reply.headers.get(name)));
            }
        }
        let policy = reply.headers.get("content-security-policy");
        if !policy.is_some_and(|policy| policy.to_str().unwrap().contains("frame-ancestors 'none'"))
        {
            faults.push(format!("{kind}: content-security-policy is {policy:?}"));
        }
        let Some(id) = reply.headers.get("x-request-id") else {
            faults.push(format!("{kind}: no x-request-id"));
            continue;
        };
        ids.insert(id.to_str().unwrap().to_owned());
        if status < 400 {
            continue;
        }
        if reply.headers["content-type"] != "application/problem+json" {
            faults.push(format!("{kind}: {:?}", reply.headers["content-type"]));
            continue;
        }
        let problem = reply.json();
        if problem["request_id"] != id.to_str().unwrap() || problem["status"] != status {
            faults.push(format!("{kind}: {problem}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(ids.len(), count, "each response has an id of its own");
}

#[tokio::test]
async fn a_stream_has_an_id_and_the_security_headers() {
    let (app, _) = start().await;
    let tenant = app.tenant("acme").await;
    let request = tenant
        .request(Method::POST, "/v1/answers")
        .json(&json!({ "question": "How long?" }))
        .header("accept", "text/event-stream");
    let reply = tenant.send(request).await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert!(reply.headers["cache-control"].to_str().unwrap().contains("no-"));
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert!(reply.headers.contains_key("x-request-id"));
    assert!(!reply.headers.contains_key("content-encoding"));
}

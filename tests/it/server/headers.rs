//! What every response carries, whatever its status.

use std::collections::BTreeSet;

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use reqwest::Method;
use serde_json::{Value, json};

use super::{TEXT, start};
use crate::support::{Reply, TestApp, TestTenant};

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

/// Every route: the pages, and each operation of the document with its method, as a stranger and with a good key.
async fn every_route(app: &TestApp, tenant: &TestTenant) -> Vec<(String, Reply)> {
    let document: Value = serde_json::from_str(&pidima::app::openapi_text().unwrap()).unwrap();
    let mut routes: Vec<(Method, String)> = [
        "/",
        "/healthz",
        "/readyz",
        "/problems",
        "/docs",
        "/openapi.json",
        "/nothing",
        "/v1/nothing",
    ]
    .map(|page| (Method::GET, page.to_owned()))
    .to_vec();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "");
        routes.push((Method::TRACE, path.clone()));
        routes.push((Method::OPTIONS, path.clone()));
        for method in item.as_object().unwrap().keys() {
            routes.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    let mut replies = Vec::new();
    for (method, path) in routes {
        for tenant in [tenant, &tenant.with_key("pdm_nobody")] {
            let reply = tenant.send(tenant.request(method.clone(), &path)).await;
            replies.push((format!("{method} {path} at {}: {}", app.url, reply.status), reply));
        }
    }
    replies
}

#[tokio::test]
async fn every_route_and_every_error_has_the_security_headers_and_tells_its_charset() {
    let secure = [("PIDIMA_PUBLIC_URL", "https://docs.example.com")];
    for (settings, is_tls) in [(&secure[..], true), (&[][..], false)] {
        let app = TestApp::start_with(settings, Arc::new(ExtractiveModel)).await;
        let tenant = app.tenant("headers").await;
        let replies = every_route(&app, &tenant).await;
        assert!(replies.len() > 100, "{}", replies.len());
        for (what, reply) in replies {
            assert!(reply.status.as_u16() < 500, "{what}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(reply.headers[name], value, "{what}: {name}");
            }
            // The page that opens a window for a login must know it again when it comes back.
            let is_docs = what.starts_with("GET /docs ") || what.starts_with("HEAD /docs ");
            let opener = if is_docs { "same-origin-allow-popups" } else { "same-origin" };
            assert_eq!(reply.headers["cross-origin-opener-policy"], opener, "{what}");
            let policy = reply.headers["content-security-policy"].to_str().unwrap();
            for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
                assert!(policy.contains(part), "{what}: {policy}");
            }
            assert!(reply.headers.contains_key("permissions-policy"), "{what}");
            assert!(reply.headers.contains_key("x-request-id"), "{what}");
            let transport = reply.headers.get("strict-transport-security");
            let expected = is_tls.then_some("max-age=31536000; includeSubDomains");
            assert_eq!(transport.map(|value| value.to_str().unwrap()), expected, "{what}");
            let Some(content) = reply.headers.get("content-type") else {
                assert!(reply.bytes.is_empty(), "{what}: a body without a type");
                continue;
            };
            let content = content.to_str().unwrap();
            // JSON has no charset (RFC 8259, 11): it is UTF-8.
            let told = content.contains("json") || content.ends_with("; charset=utf-8");
            assert!(told, "{what}: {content}");
        }
    }
}

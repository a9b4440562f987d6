//! The pages beside the API, and the state of the service.

use reqwest::{Client, Method};
use serde_json::json;
use sqlx::Executor;

use super::{openapi, problem};
use crate::support::{Reply, TestApp};

async fn fetch(app: &TestApp, method: Method, path: &str) -> Reply {
    let response =
        Client::new().request(method, format!("{}{path}", app.url)).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_answers_strangers_with_its_headers_and_to_head_without_a_body() {
    let app = TestApp::start().await;
    let pages = [
        ("/", "text/html; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "application/json"),
        ("/problems", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/openapi.json", "application/json"),
        ("/login/local", "text/html; charset=utf-8"),
    ];
    for (path, content_type) in pages {
        let page = fetch(&app, Method::GET, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert_eq!(page.headers["content-type"], content_type, "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(page.headers["x-frame-options"], "DENY", "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!page.bytes.is_empty(), "{path}");

        let head = fetch(&app, Method::HEAD, path).await;
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.headers["content-type"], content_type, "{path}");
        assert!(head.bytes.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_page_loads_the_served_document() {
    let app = TestApp::start().await;
    let page = fetch(&app, Method::GET, "/docs").await.text();
    assert!(page.contains("<title>Pidima API</title>"));
    assert!(page.contains("url: '/openapi.json'"));
    assert!(page.contains("persistAuthorization: true"));
    let served = fetch(&app, Method::GET, "/openapi.json").await.json();
    // Whether a limit is set makes no difference to the document.
    assert_eq!(served, openapi());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_problem_code_has_its_place_on_the_page_that_types_lead_to() {
    let app = TestApp::start().await;
    let page = fetch(&app, Method::GET, "/problems").await.text();
    let document = openapi();
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    assert!(codes.contains(&json!("invalid_cursor")), "{codes:?}");
    for code in codes {
        let code = code.as_str().unwrap();
        assert!(page.contains(&format!("<tr id=\"{code}\">")), "{code}");
    }
    let refused = problem(&fetch(&app, Method::GET, "/v1/me").await, 401, "unauthenticated");
    let (path, id) = refused["type"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(path, "/problems");
    assert!(page.contains(&format!("<tr id=\"{id}\">")), "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_told_while_the_walls_stand() {
    let app = TestApp::start().await;
    let ready = fetch(&app, Method::GET, "/readyz").await;
    assert_eq!(ready.expect(200), json!({ "state": "ready", "faults": [], "degraded": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_fails_with_the_reason_when_a_policy_is_gone() {
    let app = TestApp::start().await;
    app.database.admin().execute("drop policy tenant on app.documents").await.unwrap();
    let answer = fetch(&app, Method::GET, "/readyz").await.expect(503);
    assert_eq!(answer["state"], "not_ready");
    let faults = answer["faults"].to_string();
    assert!(faults.contains("app.documents"), "{faults}");
    assert!(faults.contains("policy"), "{faults}");
    let alive = fetch(&app, Method::GET, "/healthz").await;
    assert_eq!(alive.text(), "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_fails_with_the_remedy_when_a_migration_is_missing() {
    let app = TestApp::start().await;
    let forget = "delete from app._sqlx_migrations where version = (select max(version) from app._sqlx_migrations)";
    app.database.admin().execute(forget).await.unwrap();
    let answer = fetch(&app, Method::GET, "/readyz").await.expect(503);
    assert!(answer["faults"][0].as_str().unwrap().contains("pidima migrate"), "{answer}");
}

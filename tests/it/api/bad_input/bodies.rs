//! Bodies that are no JSON, or not the JSON that was asked for.

use reqwest::Method;

use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant};

async fn send(tenant: &TestTenant, method: Method, path: &str, body: &[u8]) -> Reply {
    let request = tenant.request(method, path).body(body.to_vec());
    tenant.send(request.header("content-type", "application/json")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_malformed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("no-json").await;
    let before = contents(&app).await;
    let deep_arrays = format!("{{\"question\": {}", "[".repeat(10_000));
    let deep_objects = "{\"question\":".repeat(10_000);
    let bodies: [&[u8]; 14] = [
        b"",
        b" ",
        b"question=pump",
        b"{\"question\": \"pump\"",
        b"{\"question\": \"pump\",}",
        b"{'question': 'pump'}",
        b"{\"question\": \"pump\"} {}",
        b"{\"question\": \"pump\", \"question\": \"valve\"}",
        b"{\"question\": NaN}",
        b"{\"question\": \"\\ud800\"}",
        b"{\"question\": \"caf\xe9\"}",
        b"\xef\xbb\xbf{\"question\": \"pump\"}",
        deep_arrays.as_bytes(),
        deep_objects.as_bytes(),
    ];
    for body in bodies {
        let reply = send(&tenant, Method::POST, "/v1/answers", body).await;
        println!("{:.60}", String::from_utf8_lossy(body));
        problem(&reply, 400, "malformed_request");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_another_shape_is_refused_and_the_place_is_named() {
    let app = TestApp::start().await;
    let tenant = app.tenant("other-shape").await;
    let before = contents(&app).await;
    let bodies = [
        ("/v1/answers", r#"{"question": {"text": "pump"}}"#, "/question"),
        ("/v1/answers", r#"{"question": null}"#, "/question"),
        ("/v1/answers", r#"{"question": ["pump"]}"#, "/question"),
        ("/v1/answers", r#"{}"#, "/question"),
        ("/v1/answers", r#"{"question": "pump", "tenant_id": "x"}"#, "/tenant_id"),
        ("/v1/answers", r#"{"question": "pump", "collection_ids": "x"}"#, "/collection_ids"),
        ("/v1/answers", r#"{"question": "pump", "collection_ids": ["x"]}"#, "/collection_ids"),
        ("/v1/search", r#"{"query": "pump", "limit": 0}"#, "/limit"),
        ("/v1/search", r#"{"query": "pump", "limit": 51}"#, "/limit"),
        ("/v1/search", r#"{"query": "pump", "limit": -1}"#, "/limit"),
        ("/v1/search", r#"{"query": "pump", "limit": 1.5}"#, "/limit"),
        ("/v1/search", r#"{"query": "pump", "limit": 99999999999999999999}"#, "/limit"),
        ("/v1/search", r#"{"query": "pump", "metadata": []}"#, "/metadata"),
        ("/v1/search", r#"{"query": "pump", "metadata": {"a": "\u0000"}}"#, "/metadata"),
        ("/v1/search", r#"{"query": "pump", "explain": "yes"}"#, "/explain"),
        ("/v1/collections", r#"{"name": ""}"#, "/name"),
        ("/v1/collections", r#"{"name": " \u0000 "}"#, "/name"),
        ("/v1/sessions", r#"{"title": "  "}"#, "/title"),
        ("/v1/api_keys", r#"{"name": "x", "role": "king"}"#, "/role"),
        ("/v1/api_keys", r#"{"name": "x", "role": "member", "scopes": ["all"]}"#, "/scopes"),
        (
            "/v1/api_keys",
            r#"{"name": "x", "role": "member", "expires_at": "tomorrow"}"#,
            "/expires_at",
        ),
    ];
    for (path, body, pointer) in bodies {
        let reply = send(&tenant, Method::POST, path, body.as_bytes()).await;
        println!("{path} {body}: {}", reply.text());
        let refused = problem(&reply, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        assert!(!refused["detail"].as_str().unwrap().contains("occurred"), "{refused}");
    }
    for body in ["null", "[]", "\"pump\"", "7", "true"] {
        let reply = send(&tenant, Method::POST, "/v1/answers", body.as_bytes()).await;
        problem(&reply, 422, "validation_failed");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_called_json_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("not-called").await;
    let before = contents(&app).await;
    let body = r#"{"question": "pump"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"]
    {
        let request = tenant.request(Method::POST, "/v1/answers").body(body);
        let reply = tenant.send(request.header("content-type", content_type)).await;
        problem(&reply, 415, "unsupported_media_type");
    }
    let untyped = tenant.send(tenant.request(Method::POST, "/v1/answers").body(body)).await;
    problem(&untyped, 415, "unsupported_media_type");
    let bodyless = tenant.send(tenant.request(Method::POST, "/v1/answers")).await;
    problem(&bodyless, 415, "unsupported_media_type");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_under_each_spelling_of_its_name() {
    let app = TestApp::start().await;
    let tenant = app.tenant("spelling").await;
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let request = tenant.request(Method::POST, "/v1/search").body(r#"{"query": "pump"}"#);
        tenant.send(request.header("content-type", content_type)).await.expect(200);
    }
}

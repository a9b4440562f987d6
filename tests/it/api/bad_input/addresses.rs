//! Paths, methods, ids and what the client accepts.

use reqwest::Method;
use serde_json::json;

use crate::api::operations::operations;
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_id_or_nobodys_is_not_found() {
    let app = TestApp::start().await;
    let tenant = app.tenant("ids").await;
    let before = contents(&app).await;
    for id in [
        "x",
        "7",
        "%00",
        "%F0%9F%92%A5",
        "00000000-0000-0000-0000-000000000000",
        &"a".repeat(3_000),
    ] {
        let things = Things {
            api_key_id: id.to_owned(),
            member_id: id.to_owned(),
            browser_session_id: id.to_owned(),
            collection_id: id.to_owned(),
            document_id: id.to_owned(),
            session_id: id.to_owned(),
            attachment_id: id.to_owned(),
            message_id: id.to_owned(),
            group_id: id.to_owned(),
            invitation_id: id.to_owned(),
            quota_id: id.to_owned(),
            ..Things::absent()
        };
        for operation in operations().into_iter().filter(|it| it.path.contains('{')) {
            println!("{} {:.40}", operation.id, id);
            let request = operation.request(&app, &things).bearer_auth(&tenant.key);
            problem(&tenant.send(request).await, 404, "not_found");
        }
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_none_is_not_found() {
    let app = TestApp::start().await;
    let tenant = app.tenant("paths").await;
    for path in [
        "/v2/me",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/me/",
        "/v1/documents/",
        "/v1//me",
        "/admin",
        "/docs/x",
    ] {
        println!("{path}");
        let refused = problem(&tenant.get(path).await, 404, "not_found");
        assert!(refused["detail"].as_str().unwrap().contains("/docs"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_lacks_is_refused_with_those_that_it_has() {
    let app = TestApp::start().await;
    let tenant = app.tenant("methods").await;
    let session = uuid::Uuid::now_v7();
    let paths = [
        (Method::DELETE, "/v1/me".to_owned(), "GET, HEAD"),
        (Method::PUT, "/v1/documents".to_owned(), "GET, HEAD, POST"),
        (Method::POST, format!("/v1/sessions/{session}"), "DELETE, GET, HEAD, PATCH"),
        (Method::GET, "/v1/answers".to_owned(), "POST"),
        (Method::HEAD, "/v1/answers".to_owned(), "POST"),
        (Method::OPTIONS, "/v1/answers".to_owned(), "POST"),
        (Method::TRACE, "/v1/me".to_owned(), "GET, HEAD"),
        (Method::POST, "/".to_owned(), "GET, HEAD"),
        (Method::POST, "/healthz".to_owned(), "GET, HEAD"),
    ];
    for (method, path, allowed) in paths {
        let reply = tenant.send(tenant.request(method.clone(), &path)).await;
        assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
        assert_eq!(reply.headers["allow"], allowed, "{method} {path}");
        if method != Method::HEAD {
            problem(&reply, 405, "method_not_allowed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_without_the_body() {
    let app = TestApp::start().await;
    let tenant = app.tenant("head").await;
    let head = tenant.send(tenant.request(Method::HEAD, "/v1/me")).await;
    assert_eq!(head.status, 200);
    assert!(head.bytes.is_empty());
    let stranger = tenant.with_key("pdm_nothing");
    assert_eq!(stranger.send(stranger.request(Method::HEAD, "/v1/me")).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_a_form_that_there_is_not_is_refused_before_anything_is_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant("accept").await;
    let session = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let messages = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let before = contents(&app).await;
    for (path, body) in [
        ("/v1/answers", json!({ "question": "pump?" })),
        (messages.as_str(), json!({ "content": "pump?" })),
    ] {
        for accept in ["text/html", "image/*", "nonsense", ""] {
            let request = tenant.request(Method::POST, path).json(&body).header("accept", accept);
            problem(&tenant.send(request).await, 406, "not_acceptable");
        }
    }
    assert_eq!(contents(&app).await, before);
    for accept in ["*/*", "application/json", "text/html, application/json;q=0.5"] {
        let request =
            tenant.request(Method::POST, "/v1/answers").json(&json!({ "question": "pump?" }));
        let reply = tenant.send(request.header("accept", accept)).await;
        assert_eq!(reply.headers["content-type"], "application/json; charset=utf-8");
        reply.expect(200);
    }
}

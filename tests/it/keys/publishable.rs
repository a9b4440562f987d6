//! Publishable keys: everybody who sees the page has them, so they ask, from that page, and do nothing else.

use reqwest::Method;
use serde_json::json;

use super::{ORIGIN, from_page, id, make, me_from_page, path, publishable, secret, token};
use crate::api::operations::operations;
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::TestApp;

/// What a bare publishable key may do, and what an end user may.
const PAGE: [&str; 3] = ["get_me", "create_answer", "get_suggested_questions"];
const END_USER: [&str; 22] = [
    "get_me",
    "create_answer",
    "get_suggested_questions",
    "list_sessions",
    "create_session",
    "get_session",
    "update_session",
    "delete_session",
    "create_message",
    "list_messages",
    "get_message",
    "list_attachments",
    "get_attachment",
    "get_citation",
    "list_message_feedback",
    "update_message_feedback",
    "delete_message_feedback",
    "update_citation_feedback",
    "delete_citation_feedback",
    "get_run",
    "list_run_events",
    "cancel_run",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_publishable_key_is_good_from_its_origins_alone() {
    let app = TestApp::start().await;
    let owner = app.tenant("origins").await;
    let key = publishable(&owner).await;
    assert!(secret(&key).starts_with("pdp_"), "{key}");
    assert_eq!(key["api_key"]["scopes"], json!(["ask"]));
    let page = owner.with_key(&secret(&key));
    me_from_page(&owner, &secret(&key)).await.expect(200);
    // Remembered by now, and still asked each time.
    problem(&page.get("/v1/me").await, 401, "unauthenticated");
    for origin in [
        "https://www.example.com.evil.example",
        "https://example.com",
        "http://www.example.com",
        "https://www.example.com:8443",
        "https://www.example.com/",
        "HTTPS://WWW.EXAMPLE.COM",
        "null",
        "",
    ] {
        let request = page.request(Method::GET, "/v1/me").header("origin", origin);
        let refused = problem(&page.send(request).await, 401, "unauthenticated");
        assert!(!refused.to_string().contains("www.example.com"), "{refused}");
    }
    let two = page.request(Method::GET, "/v1/me").header("origin", ORIGIN);
    let two = two.header("origin", "https://evil.example");
    problem(&page.send(two).await, 401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_pages_do_what_they_are_for_and_nothing_else() {
    let app = TestApp::start().await;
    let owner = app.tenant("page-operations").await;
    let key = publishable(&owner).await;
    let token = token(&owner, &key, "ada").await;
    let things = Things::make(&owner, &owner).await;
    for (credential, may) in [(secret(&key), &PAGE[..]), (token, &END_USER[..])] {
        let before = contents(&app).await;
        for operation in operations().into_iter().filter(|it| !may.contains(&it.id)) {
            let request = operation.request(&app, &things).bearer_auth(&credential);
            let reply = owner.send(request.header("origin", ORIGIN)).await;
            println!("{}", operation.id);
            problem(&reply, 403, "forbidden");
        }
        assert_eq!(contents(&app).await, before);
        for operation in operations().into_iter().filter(|it| may.contains(&it.id)) {
            let request = operation.request(&app, &things).bearer_auth(&credential);
            let reply = owner.send(request.header("origin", ORIGIN)).await;
            // Sessions of others are not there; the rest works.
            let is_anothers =
                operation.path.contains('{') && operation.id != "get_suggested_questions";
            let expected = if is_anothers { 404 } else { reply.status.as_u16() };
            assert_eq!(reply.status.as_u16(), expected, "{}: {}", operation.id, reply.text());
            assert!(is_anothers || reply.status.is_success(), "{}", operation.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_visitor_never_reads_what_another_asked() {
    let app = TestApp::start().await;
    let owner = app.tenant("visitors").await;
    let key = publishable(&owner).await;
    let ask = from_page(&owner, &secret(&key), Method::POST, "/v1/answers");
    let answer = owner.send(ask.json(&json!({ "question": "Which pump?" }))).await.expect(200);
    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let read = from_page(&owner, &secret(&key), Method::GET, &message);
    problem(&owner.send(read).await, 403, "forbidden");
    owner.get(&message).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishable_key_has_one_form_only() {
    let app = TestApp::start().await;
    let owner = app.tenant("publishable-form").await;
    let before = contents(&app).await;
    for (wrong, pointer) in [
        (json!({ "role": "editor" }), "/role"),
        (json!({ "scopes": ["ask", "documents:read"] }), "/scopes"),
        (json!({ "allowed_origins": [] }), "/allowed_origins"),
        (json!({ "allowed_origins": ["*"] }), "/allowed_origins/0"),
        (json!({ "allowed_origins": [ORIGIN, "http://www.example.com"] }), "/allowed_origins/1"),
        (json!({ "kind": "secret" }), "/allowed_origins"),
    ] {
        let mut body = json!({ "name": "w", "role": "member", "kind": "publishable", "allowed_origins": [ORIGIN] });
        for (field, value) in wrong.as_object().unwrap() {
            body[field] = value.clone();
        }
        let refused = owner.post("/v1/api_keys", &body).await;
        let refused = problem(&refused, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    assert_eq!(contents(&app).await, before);
    let body = json!({ "name": "w", "role": "member", "kind": "publishable",
        "allowed_origins": ["https://WWW.Example.com:443/", ORIGIN, "http://localhost:3000"] });
    let stored = make(&owner, &body).await["api_key"]["allowed_origins"].clone();
    assert_eq!(stored, json!([ORIGIN, "http://localhost:3000"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_in_the_text_of_a_key_can_not_be_changed() {
    let app = TestApp::start().await;
    let owner = app.tenant("kinds").await;
    let key = publishable(&owner).await;
    let as_secret = secret(&key).replacen("pdp_", "pdm_", 1);
    problem(&owner.with_key(&as_secret).get("/v1/me").await, 401, "unauthenticated");
    problem(&me_from_page(&owner, &as_secret).await, 401, "unauthenticated");
    let as_publishable = owner.key.replacen("pdm_", "pdp_", 1);
    problem(&me_from_page(&owner, &as_publishable).await, 401, "unauthenticated");
    // Origins belong to publishable keys, and the last one can not be taken away.
    let secret_key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    for (key, origins) in [(&secret_key, json!([ORIGIN])), (&key, json!([]))] {
        let change = json!({ "allowed_origins": origins });
        problem(&owner.patch(&path(key), &change).await, 422, "validation_failed");
    }
    assert!(!id(&key).is_empty());
}

//! Keys: their form, whose they are, and what is the same request.

use reqwest::Method;
use serde_json::json;

use super::{KEY, is_replayed, new_key, post};
use crate::api::{contents, problem};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_one_to_255_printable_characters() {
    let app = TestApp::start().await;
    let owner = app.tenant("key-form").await;
    let before = contents(&app).await;
    for bad in ["", "   ", "a\tb", "k".repeat(256).as_str()] {
        let reply = post(&owner, "/v1/groups", bad, &json!({ "name": "bad" })).await;
        let detail = problem(&reply, 400, "malformed_request")["detail"].to_string();
        assert!(detail.contains(KEY), "{detail}");
    }
    let two = owner.request(Method::POST, "/v1/groups").header(KEY, "a").header(KEY, "b");
    problem(&owner.send(two.json(&json!({ "name": "bad" }))).await, 400, "malformed_request");
    let high = reqwest::header::HeaderValue::from_bytes(&[0xe9]).unwrap();
    let high = owner.request(Method::POST, "/v1/groups").header(KEY, high);
    problem(&owner.send(high.json(&json!({ "name": "bad" }))).await, 400, "malformed_request");
    assert_eq!(before, contents(&app).await);
    for (name, good) in
        [("one", "k"), ("most", "k".repeat(255).as_str()), ("plain", "~ a 'b' \"c\" !")]
    {
        post(&owner, "/v1/groups", good, &json!({ "name": name })).await.expect(201);
        assert!(is_replayed(&post(&owner, "/v1/groups", good, &json!({ "name": name })).await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_the_key_is_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("reused").await;
    let key = new_key();
    let body = json!({ "name": "pumps", "description": "all" });
    post(&owner, "/v1/collections", &key, &body).await.expect(201);
    let before = contents(&app).await;
    for (path, body) in [
        ("/v1/collections", json!({ "name": "pumps", "description": "some" })),
        ("/v1/collections", json!({ "name": "pumps" })),
        ("/v1/groups", json!({ "name": "pumps" })),
        ("/v1/sessions", json!({})),
    ] {
        let reply = post(&owner, path, &key, &body).await;
        problem(&reply, 422, "idempotency_key_reused");
    }
    // Bad input is told as such, whatever the key.
    let reply = post(&owner, "/v1/collections", &key, &json!({ "nome": 1 })).await;
    problem(&reply, 422, "validation_failed");
    assert_eq!(before, contents(&app).await);
    // The order of fields and white space are no part of a request.
    let text = "{\"description\" : \"all\",\n \"name\":\"pumps\"}";
    let request = owner.request(Method::POST, "/v1/collections").header(KEY, &key);
    let again = owner.send(request.header("content-type", "application/json").body(text)).await;
    assert!(is_replayed(&again), "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_compared_by_its_file_and_fields() {
    let app = TestApp::start().await;
    let owner = app.tenant("same-upload").await;
    let key = new_key();
    let send = async |name: &str, bytes: &str, metadata: &str| {
        let file = reqwest::multipart::Part::bytes(bytes.as_bytes().to_vec());
        let form = reqwest::multipart::Form::new()
            .part("file", file.file_name(name.to_owned()))
            .text("metadata", metadata.to_owned());
        let request = owner.request(Method::POST, "/v1/documents").header(KEY, &key);
        owner.send(request.multipart(form)).await
    };
    let first = send("a.md", "The pump.", "{}").await;
    assert_eq!(first.status, 202, "{}", first.text());
    let again = send("a.md", "The pump.", "{}").await;
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert!(is_replayed(&again));
    for (name, bytes, metadata) in
        [("b.md", "The pump.", "{}"), ("a.md", "The pumps", "{}"), ("a.md", "The pump.", "{ }")]
    {
        problem(&send(name, bytes, metadata).await, 422, "idempotency_key_reused");
    }
    let listed = owner.get("/v1/documents").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    // Without the key the same bytes are known, and the document is no longer as it was: 200, not the answer of before.
    owner.settled(first.json()["id"].as_str().unwrap()).await;
    assert_eq!(owner.upload("a.md", "The pump.").await.status, 200);
    assert_eq!(send("a.md", "The pump.", "{}").await.text(), first.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_one_are_none_of_anothers() {
    let app = TestApp::start().await;
    let (owner, stranger) = (app.tenant("own-keys").await, app.tenant("other-keys").await);
    let key = new_key();
    let mut ids = Vec::new();
    for who in [&owner, &owner.with_role("admin").await, &owner.as_member("admin").await, &stranger]
    {
        let reply = post(who, "/v1/sessions", &key, &json!({ "title": "mine" })).await;
        assert!(!is_replayed(&reply), "{}", reply.text());
        ids.push(reply.expect(201)["id"].as_str().unwrap().to_owned());
        let again = post(who, "/v1/sessions", &key, &json!({ "title": "mine" })).await;
        assert!(is_replayed(&again));
        assert_eq!(again.json()["id"], *ids.last().unwrap());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_right_is_refused_and_not_answered_as_before() {
    let app = TestApp::start().await;
    let owner = app.tenant("lost-right").await;
    let admin = owner.as_member("admin").await;
    let key = new_key();
    let body = json!({ "name": "secret plans" });
    post(&admin, "/v1/groups", &key, &body).await.expect(201);
    let path = format!("/v1/members/{}", admin.member_id.unwrap());
    owner.patch(&path, &json!({ "role": "member" })).await.expect(200);
    crate::support::eventually("the lower role holds", || async {
        post(&admin, "/v1/groups", &key, &body).await.status == 403
    })
    .await;
}

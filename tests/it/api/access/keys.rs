//! Keys that make and take back keys: no way up, and no way back.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{make_key, secret};
use crate::api::{contents, problem};
use crate::support::TestApp;

/// A verified key is trusted for 5 seconds; the rest is for a busy machine.
const REVOKED_WITHIN: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_use_is_refused_within_five_seconds_of_its_revocation() {
    let app = TestApp::start().await;
    let owner = app.tenant("revoke").await;
    let created = make_key(&owner, "member", None).await;
    let client = owner.with_key(&secret(&created));
    client.get("/v1/me").await.expect(200);
    let path = format!("/v1/api_keys/{}", created["api_key"]["id"].as_str().unwrap());
    owner.delete(&path).await.expect(204);
    let revoked = Instant::now();
    let refused = loop {
        let reply = client.get("/v1/me").await;
        if reply.status == 401 {
            break reply;
        }
        assert!(revoked.elapsed() < REVOKED_WITHIN, "the key still works: {}", reply.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("refused after {:?}", revoked.elapsed());
    let detail = problem(&refused, 401, "unauthenticated")["detail"].to_string();
    assert!(detail.contains("revoked"), "{detail}");

    let shown = owner.get(&path).await.expect(200);
    let since = shown["revoked_at"].clone();
    assert!(since.is_string(), "{shown}");
    owner.delete(&path).await.expect(204);
    assert_eq!(owner.get(&path).await.expect(200)["revoked_at"], since);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_revoke_itself() {
    let app = TestApp::start().await;
    let owner = app.tenant("suicide").await;
    let created = make_key(&owner, "admin", None).await;
    let admin = owner.with_key(&secret(&created));
    let path = format!("/v1/api_keys/{}", created["api_key"]["id"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    assert!(owner.get(&path).await.expect(200)["revoked_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_not_make_a_key_of_a_higher_role() {
    let app = TestApp::start().await;
    let owner = app.tenant("higher-role").await;
    let admin = owner.with_role("admin").await;
    let before = contents(&app).await;
    let body = json!({ "name": "up", "role": "owner" });
    let refused = problem(&admin.post("/v1/api_keys", &body).await, 403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("owner"), "{refused}");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_key_can_not_make_a_wider_one() {
    let app = TestApp::start().await;
    let owner = app.tenant("wider").await;
    let narrow = make_key(&owner, "admin", Some(&["keys:manage", "ask"])).await;
    let narrow = owner.with_key(&secret(&narrow));
    let before = contents(&app).await;
    let body = json!({ "name": "up", "role": "editor", "scopes": ["ask", "documents:write"] });
    let refused = problem(&narrow.post("/v1/api_keys", &body).await, 403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("documents:write"), "{refused}");
    assert_eq!(contents(&app).await, before);

    let made = make_key(&narrow, "admin", None).await;
    assert_eq!(made["api_key"]["scopes"], json!(["ask", "keys:manage"]));
    let made = make_key(&narrow, "member", None).await;
    assert_eq!(made["api_key"]["scopes"], json!(["ask"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_above_the_role_is_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("above").await;
    for (role, scope) in [("member", "documents:write"), ("editor", "keys:manage")] {
        let body = json!({ "name": "x", "role": role, "scopes": [scope] });
        let refused = problem(&owner.post("/v1/api_keys", &body).await, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/scopes", "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_key_is_shown_once_and_stored_nowhere() {
    let app = TestApp::start().await;
    let owner = app.tenant("secret").await;
    let created = make_key(&owner, "member", None).await;
    let key = secret(&created);
    let (_, part) = key.rsplit_once('_').unwrap();
    let path = format!("/v1/api_keys/{}", created["api_key"]["id"].as_str().unwrap());
    for shown in [owner.get(&path).await, owner.get("/v1/api_keys").await] {
        assert!(!shown.text().contains(part), "{}", shown.text());
    }
    let stored: Vec<String> = sqlx::query_scalar("select to_jsonb(k)::text from app.api_keys k")
        .fetch_all(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|row| !row.contains(part)), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_that_has_ended_or_is_too_long_is_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("life").await;
    let before = contents(&app).await;
    for expires_at in ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let body = json!({ "name": "x", "role": "member", "expires_at": expires_at });
        let refused = problem(&owner.post("/v1/api_keys", &body).await, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/expires_at", "{refused}");
    }
    assert_eq!(contents(&app).await, before);
}

//! Making, changing and listing webhooks, and who may.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::{Value, json};

use super::{deliveries, show, try_out, webhook};
use crate::api::problem;
use crate::support::TestApp;

const URL: &str = "https://localhost/hook";

#[tokio::test]
async fn the_secret_is_shown_once_and_stands_nowhere() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (id, secret) = webhook(&tenant, URL).await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    for path in
        [format!("/v1/webhooks/{id}"), "/v1/webhooks".to_owned(), "/v1/audit_events".to_owned()]
    {
        let text = tenant.get(&path).await.text();
        assert!(!text.contains("whsec_") && !text.contains(&secret["whsec_".len()..]), "{path}");
    }
    let rows: Vec<String> =
        sqlx::query_scalar("select to_jsonb(w)::text from app.webhook_endpoints w")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    assert!(rows.len() == 1 && !rows[0].contains(&secret["whsec_".len()..]));
}

#[tokio::test]
async fn what_is_changed_is_shown_and_noted_and_what_is_not_is_no_change() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, URL).await;
    let path = format!("/v1/webhooks/{id}");
    let before = show(&tenant, &id).await;
    assert_eq!(tenant.patch(&path, &json!({})).await.expect(200), before);
    assert_eq!(tenant.patch(&path, &json!({ "enabled": true })).await.expect(200), before);
    let change =
        json!({ "url": "HTTPS://Hooks.Example.com:443/a b", "events": ["document.failed"] });
    problem(&tenant.patch(&path, &change).await, 422, "validation_failed");
    let change =
        json!({ "url": "HTTPS://Hooks.Example.com:443/ab", "events": ["document.failed"] });
    let after = tenant.patch(&path, &change).await.expect(200);
    assert_eq!(after["url"], "https://hooks.example.com/ab");
    assert_eq!(after["events"], json!(["document.failed"]));
    assert_eq!(show(&tenant, &id).await, after);
    let actions: Vec<String> = sqlx::query_scalar(
        "select action from app.audit_events where action like 'webhook%' order by sequence",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(actions, ["webhook.created", "webhook.changed"]);
}

#[tokio::test]
async fn a_key_that_is_limited_to_collections_makes_no_webhook() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, URL).await;
    let collection = tenant.post("/v1/collections", &json!({ "name": "c" })).await.expect(201);
    let key = json!({
        "name": "limited", "role": "admin", "scopes": ["tenant:manage"], "collection_ids": [collection["id"]],
    });
    let key = tenant.post("/v1/api_keys", &key).await.expect(201);
    let limited = tenant.with_key(key["secret"].as_str().unwrap());
    let body = json!({ "url": URL, "events": ["document.ready"] });
    problem(&limited.post("/v1/webhooks", &body).await, 403, "forbidden");
    let path = format!("/v1/webhooks/{id}");
    problem(&limited.patch(&path, &json!({ "url": URL })).await, 403, "forbidden");
    problem(&limited.post(&format!("{path}/rotate"), &json!({})).await, 403, "forbidden");
    problem(&limited.post(&format!("{path}/test"), &Value::Null).await, 403, "forbidden");
}

#[tokio::test]
async fn without_a_secret_of_the_installation_no_webhook_is_made() {
    let app =
        TestApp::start_with(&[("PIDIMA_SIGNING_SECRET", "")], Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("acme").await;
    let body = json!({ "url": URL, "events": ["document.ready"] });
    let refused = problem(&tenant.post("/v1/webhooks", &body).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("PIDIMA_SIGNING_SECRET"));
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_and_by_state() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, URL).await;
    for _ in 0..3 {
        let delivery = try_out(&tenant, &id).await;
        super::ended(&tenant, &id, &delivery).await;
    }
    let all = deliveries(&tenant, &id).await;
    let path = format!("/v1/webhooks/{id}/deliveries");
    let first = tenant.get(&format!("{path}?limit=2&state=failed")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = tenant.get(&format!("{path}?state=failed&cursor={cursor}")).await.expect(200);
    let pages = [&first["items"], &rest["items"]].map(|items| items.as_array().unwrap().clone());
    assert_eq!(pages.concat(), all);
    assert!(rest.get("next_cursor").is_none());
    let none = tenant.get(&format!("{path}?state=delivered")).await.expect(200);
    assert_eq!(none["items"], json!([]));
}

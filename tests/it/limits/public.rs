//! Visitors of public pages: they share limits of their own, and never keep the tenant's people and programs out.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::problem;
use crate::support::{Reply, TestApp, TestTenant};

const ORIGIN: &str = "https://www.example.com";

async fn start(settings: &[(&str, &str)]) -> (TestApp, TestTenant) {
    let mut all = vec![("PIDIMA_TRUSTED_PROXIES", "1")];
    all.extend_from_slice(settings);
    let app = TestApp::start_with(&all, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("visited").await;
    (app, tenant)
}

/// A new publishable key: its id and its text.
async fn publishable(tenant: &TestTenant) -> (String, String) {
    let body = json!({ "name": "widget", "role": "member", "kind": "publishable", "allowed_origins": [ORIGIN] });
    let made = tenant.post("/v1/api_keys", &body).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["api_key"]["id"]), text(&made["secret"]))
}

async fn end_user(tenant: &TestTenant, key_id: &str, name: &str) -> String {
    let body = json!({ "api_key_id": key_id, "end_user": { "id": name } });
    let made = tenant.post("/v1/widget_tokens", &body).await.expect(201);
    made["token"].as_str().unwrap().to_owned()
}

/// A request of a visitor from an address of their own.
async fn visit(tenant: &TestTenant, key: &str, visitor: usize, question: Option<&str>) -> Reply {
    let visitors = tenant.with_key(key);
    let request = match question {
        Some(text) => {
            visitors.request(Method::POST, "/v1/answers").json(&json!({ "question": text }))
        }
        None => visitors.request(Method::GET, "/v1/me"),
    };
    let address = format!("203.0.{}.{}", visitor / 200, visitor % 200 + 1);
    tenant.send(request.header("origin", ORIGIN).header("x-forwarded-for", address)).await
}

fn refused_by(reply: &Reply, limit: &str) {
    let told = problem(reply, 429, "rate_limited");
    assert!(told["detail"].as_str().unwrap().contains(&format!("\"{limit}\"")), "{told}");
}

#[tokio::test]
async fn visitors_from_many_addresses_use_up_the_public_limit_and_nothing_of_the_tenants() {
    let settings = [
        ("PIDIMA_LIMIT_TENANT_BURST", "12"),
        ("PIDIMA_LIMIT_TENANT_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_PUBLIC_BURST", "20"),
        ("PIDIMA_LIMIT_PUBLIC_PER_MINUTE", "1"),
    ];
    let (app, tenant) = start(&settings).await;
    // Two requests of the tenant's 12.
    let (key_id, key) = publishable(&tenant).await;
    let token = end_user(&tenant, &key_id, "ada").await;
    for visitor in 0..19 {
        visit(&tenant, &key, visitor, None).await.expect(200);
    }
    visit(&tenant, &token, 19, None).await.expect(200);
    refused_by(&visit(&tenant, &key, 20, None).await, "public");
    refused_by(&visit(&tenant, &token, 21, None).await, "public");
    for _ in 0..10 {
        tenant.get("/v1/me").await.expect(200);
    }
    refused_by(&tenant.get("/v1/me").await, "tenant");
    // Another tenant's visitors have their own.
    let other = app.tenant("other").await;
    let (_, others) = publishable(&other).await;
    visit(&other, &others, 22, None).await.expect(200);
}

#[tokio::test]
async fn many_addresses_and_end_users_ask_with_one_key_as_often_as_its_limit_says() {
    let settings =
        [("PIDIMA_LIMIT_PUBLIC_ASK_BURST", "6"), ("PIDIMA_LIMIT_PUBLIC_ASK_PER_MINUTE", "1")];
    let (_app, tenant) = start(&settings).await;
    let (key_id, key) = publishable(&tenant).await;
    let (_, another) = publishable(&tenant).await;
    for visitor in 0..4 {
        visit(&tenant, &key, visitor, Some("Which pump?")).await.expect(200);
    }
    for visitor in 4..6 {
        let token = end_user(&tenant, &key_id, &format!("reader-{visitor}")).await;
        visit(&tenant, &token, visitor, Some("Which pump?")).await.expect(200);
    }
    let token = end_user(&tenant, &key_id, "one more").await;
    for (credential, visitor) in [(&key, 6), (&token, 7)] {
        refused_by(&visit(&tenant, credential, visitor, Some("Which pump?")).await, "public_ask");
        visit(&tenant, credential, visitor, None).await.expect(200);
    }
    visit(&tenant, &another, 8, Some("Which pump?")).await.expect(200);
    tenant.post("/v1/answers", &json!({ "question": "Which pump?" })).await.expect(200);
}

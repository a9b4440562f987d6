//! API keys, publishable keys and widget tokens: what each reaches, from where, for how long, and who may hand it out.

mod changes;
mod forged;
pub mod instances;
mod places;
mod publishable;
mod rotation;
mod widget_tokens;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Reply, TestApp, TestTenant};

/// Origin of the pages of the tests.
const ORIGIN: &str = "https://www.example.com";

/// A new key: the answer to its creation.
async fn make(tenant: &TestTenant, body: &Value) -> Value {
    tenant.post("/v1/api_keys", body).await.expect(201)
}

/// A new publishable key for [`ORIGIN`].
async fn publishable(tenant: &TestTenant) -> Value {
    let body = json!({ "name": "widget", "role": "member", "kind": "publishable", "allowed_origins": [ORIGIN] });
    make(tenant, &body).await
}

fn id(created: &Value) -> String {
    created["api_key"]["id"].as_str().unwrap().to_owned()
}

fn path(created: &Value) -> String {
    format!("/v1/api_keys/{}", id(created))
}

fn secret(created: &Value) -> String {
    created["secret"].as_str().unwrap().to_owned()
}

/// A request as a page of an origin makes it.
fn from_page(tenant: &TestTenant, key: &str, method: Method, path: &str) -> RequestBuilder {
    tenant.with_key(key).request(method, path).header("origin", ORIGIN)
}

async fn me_from_page(tenant: &TestTenant, key: &str) -> Reply {
    tenant.send(from_page(tenant, key, Method::GET, "/v1/me")).await
}

/// A new widget token of a publishable key for an end user.
async fn token(tenant: &TestTenant, key: &Value, end_user: &str) -> String {
    let body = json!({ "api_key_id": id(key), "end_user": { "id": end_user } });
    let made = tenant.post("/v1/widget_tokens", &body).await.expect(201);
    made["token"].as_str().unwrap().to_owned()
}

/// Actions in the tenant's audit log on one target, oldest first.
async fn audited(app: &TestApp, target: &str) -> Vec<String> {
    let query = "select action from app.audit_events where target_id = $1 order by sequence";
    sqlx::query_scalar(query).bind(target).fetch_all(&app.database.admin()).await.unwrap()
}

/// Moves the end of a key in the database, in seconds from now.
async fn end_in(app: &TestApp, key_id: &str, seconds: f64) {
    let moved = "update app.api_keys set expires_at = now() + make_interval(secs => $2) where api_key_id = $1";
    let done = sqlx::query(moved)
        .bind(key_id.parse::<Uuid>().unwrap())
        .bind(seconds)
        .execute(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

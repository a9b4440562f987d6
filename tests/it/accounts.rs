//! Local accounts over HTTP: logins, passwords, resets, and who learns nothing and locks nobody out.

mod flood;
mod form;
mod invitation;
mod login;
mod operator;
mod password;
mod reset;
mod same_answer;
mod throttle;
mod timing;

use std::net::IpAddr;
use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use pidima::identity::Role;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, TestTenant};

const PASSWORD: &str = "gravel otter lantern";
const OTHER_PASSWORD: &str = "nine herons mend a bicycle";

/// Hashes that cost next to nothing, and as many tries as anybody wants: for tests of other things.
const EASY: [(&str, &str); 4] = [
    ("PIDIMA_ARGON2_MEMORY_KIB", "64"),
    ("PIDIMA_ARGON2_ITERATIONS", "1"),
    ("PIDIMA_LOGIN_ADDRESS_BURST", "1000000"),
    ("PIDIMA_LOGIN_ACCOUNT_BURST", "1000000"),
];

/// The application; a setting that stands twice counts as it stands last.
async fn start(more: &[(&str, &str)]) -> TestApp {
    let settings: Vec<(&str, &str)> = EASY.iter().chain(more).copied().collect();
    TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await
}

/// A tenant with a person `ada@example.com` of the role member and the password above.
async fn tenant_with_ada(app: &TestApp, slug: &str) -> (TestTenant, String) {
    let tenant = app.tenant(slug).await;
    let ada = tenant.local_member("ada@example.com", Role::Member, Some(PASSWORD)).await;
    (tenant, ada)
}

/// A client whose requests come from an address of this machine.
fn client_at(address: &str) -> Client {
    let address: IpAddr = address.parse().unwrap();
    Client::builder()
        .local_address(address)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

fn credentials(tenant: &str, email: &str, password: &str) -> Value {
    json!({ "tenant": tenant, "email": email, "password": password })
}

async fn post_login(app: &TestApp, client: &Client, body: &Value) -> Reply {
    send(client.post(format!("{}/v1/login", app.url)).json(body)).await
}

async fn log_in(app: &TestApp, tenant: &str, email: &str, password: &str) -> Reply {
    post_login(app, &Client::new(), &credentials(tenant, email, password)).await
}

/// The value of the cookie that a reply sets.
#[track_caller]
fn cookie_of(reply: &Reply) -> String {
    assert!(reply.status == 204 || reply.status == 303, "{}: {}", reply.status, reply.text());
    let header = reply.headers["set-cookie"].to_str().unwrap();
    let (name, rest) = header.split_once('=').unwrap();
    assert_eq!(name, "__Host-pidima");
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    value.to_owned()
}

/// A request as a page of this server makes it, with a cookie.
async fn as_person(
    app: &TestApp,
    cookie: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Reply {
    let mut request = Client::new()
        .request(method, format!("{}{path}", app.url))
        .header("cookie", format!("__Host-pidima={cookie}"))
        .header("sec-fetch-site", "same-origin");
    if let Some(body) = body {
        request = request.json(body);
    }
    send(request).await
}

/// Logs in and gives the cookie.
async fn cookie(app: &TestApp, tenant: &str, email: &str, password: &str) -> String {
    cookie_of(&log_in(app, tenant, email, password).await)
}

/// What an audit log holds about an action, oldest first: actor's kind, target, what is there now, all as one text.
async fn audited(app: &TestApp, tenant: &TestTenant, action: &str) -> Vec<String> {
    let query = "select to_jsonb(e)::text from app.audit_events e
        where tenant_id = $1 and action = $2 order by sequence";
    sqlx::query_scalar(query)
        .bind(tenant.id.uuid())
        .bind(action)
        .fetch_all(&app.database.admin())
        .await
        .unwrap()
}

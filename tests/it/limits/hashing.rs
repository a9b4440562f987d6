//! Each route that hashes a password has the limits of hashing, and no other route has.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Reply, TestApp, TestTenant};

/// Operations of the API whose path speaks of a password, a login or an acceptance; any new one must be thought of here.
const OPERATIONS: [(&str, &str); 4] = [
    ("post", "/v1/login"),
    ("put", "/v1/me/password"),
    ("post", "/v1/members/{member_id}/password_reset"),
    ("post", "/v1/invitations/accept"),
];

async fn start(settings: &[(&str, &str)]) -> (TestApp, TestTenant) {
    let mut all = vec![("PIDIMA_TRUSTED_PROXIES", "1")];
    all.extend_from_slice(settings);
    let app = TestApp::start_with(&all, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("hashing").await;
    (app, tenant)
}

/// Name of the limit of a reply that has least left, and whether it refused.
fn limit(reply: &Reply) -> (String, bool) {
    let policy = reply.headers["ratelimit-policy"].to_str().unwrap();
    (policy.split('"').nth(1).unwrap().to_owned(), reply.status == 429)
}

async fn call(tenant: &TestTenant, method: &str, path: &str, address: &str) -> Reply {
    let path = path.replace("{member_id}", &Uuid::now_v7().to_string());
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let request = tenant.request(method, &path).header("x-forwarded-for", address);
    let is_form = path == "/login/local";
    let request = if is_form { request.form(&[("tenant", "x")]) } else { request.json(&json!({})) };
    tenant.send(request).await
}

#[tokio::test]
async fn each_route_that_hashes_a_password_counts_for_the_address_and_for_its_network() {
    let settings = [
        ("PIDIMA_LIMIT_LOGIN_BURST", "2"),
        ("PIDIMA_LIMIT_LOGIN_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_PASSWORD_HASHING_BURST", "3"),
        ("PIDIMA_LIMIT_PASSWORD_HASHING_PER_MINUTE", "1"),
    ];
    let (_app, tenant) = start(&settings).await;
    let routes = OPERATIONS.into_iter().chain([("post", "/login/local")]);
    for (number, (method, path)) in routes.enumerate() {
        let at = |host: u8| format!("203.0.{number}.{host}");
        let told = async |host| limit(&call(&tenant, method, path, &at(host)).await);
        for (host, name, is_refused) in [
            (1, "login", false),
            (1, "login", false),
            (1, "login", true),
            // Refusals took nothing from the network's three.
            (2, "password_hashing", false),
            (3, "password_hashing", true),
        ] {
            let expected = (name.to_owned(), is_refused);
            assert_eq!(told(host).await, expected, "{method} {path} from {host}");
        }
    }
    for (method, path) in [
        ("get", "/login"),
        ("post", "/login"),
        ("get", "/login/local"),
        ("get", "/v1/me"),
        ("post", "/v1/members/{member_id}/keys/password_reset"),
        ("post", "/v1/search"),
    ] {
        let (name, _) = limit(&call(&tenant, method, path, "203.0.113.1").await);
        assert!(!matches!(&*name, "login" | "password_hashing"), "{method} {path}: {name}");
    }
}

#[test]
fn no_operation_on_passwords_is_forgotten() {
    let document: Value =
        serde_json::from_str(include_str!("../../../openapi/openapi.json")).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let speaks = ["password", "login", "accept"].iter().any(|word| path.contains(word));
            if speaks && matches!(&**method, "post" | "put" | "patch") {
                found.push((method.clone(), path.clone()));
            }
        }
    }
    let mut known: Vec<_> = OPERATIONS
        .iter()
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

//! The operator: manages tenants, reads nothing of them, and is nobody inside one.

mod commands;
mod tenants;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::api::operations::{operations, operator_operations};
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant};

/// A client with a key of the operator.
pub struct TestOperator {
    key: String,
    url: String,
    http: TestTenant,
}

impl TestOperator {
    pub async fn of(app: &TestApp, any: &TestTenant) -> Self {
        Self { key: app.operator_key().await, url: app.url.clone(), http: any.clone() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let mut request =
            Client::new().request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.http.send(request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// A request without a body.
    pub async fn send(&self, method: &str, path: &str) -> Reply {
        self.call(Method::from_bytes(method.as_bytes()).unwrap(), path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_operator_is_none_of_a_tenant_and_the_reverse() {
    let app = TestApp::start().await;
    let owner = app.tenant("operated").await;
    let operator = TestOperator::of(&app, &owner).await;
    let things = Things::make(&owner, &owner).await;
    let before = contents(&app).await;
    for operation in operations() {
        let request = operation.request(&app, &things).bearer_auth(&operator.key);
        println!("{}", operation.id);
        problem(&owner.send(request).await, 401, "unauthenticated");
    }
    for operation in operator_operations() {
        let mut credentials = vec![owner.key.clone()];
        for role in ["analyst", "member", "editor", "admin"] {
            credentials.push(format!("pdo_{}", owner.key.trim_start_matches("pdm_")));
            credentials.push(role.to_owned());
        }
        for credential in credentials {
            let request = operation.request(&app, &things).bearer_auth(credential);
            println!("{}", operation.id);
            problem(&owner.send(request).await, 401, "unauthenticated");
        }
    }
    assert_eq!(contents(&app).await, before);
    for operation in operator_operations() {
        let request = operation.request(&app, &things).bearer_auth(&operator.key);
        let reply = owner.send(request).await;
        assert!(reply.status.is_success(), "{}: {}", operation.id, reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_key_that_is_wrong_expired_or_revoked_is_refused_at_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("operator-keys").await;
    let operator = TestOperator::of(&app, &owner).await;
    operator.get("/v1/platform/tenants").await.expect(200);
    let cut = operator.key[..operator.key.len() - 1].to_owned();
    let last = if operator.key.ends_with('0') { "1" } else { "0" };
    for wrong in [cut.clone(), format!("{cut}{last}"), operator.key.to_uppercase()] {
        let wrong = TestOperator { key: wrong, url: app.url.clone(), http: owner.clone() };
        problem(&wrong.get("/v1/platform/tenants").await, 401, "unauthenticated");
    }
    for (change, back, word) in [
        ("expires_at = now()", "expires_at = now() + interval '1 day'", "expired"),
        ("revoked_at = now()", "revoked_at = null", "revoked"),
    ] {
        for (set, status) in [(change, 401), (back, 200)] {
            let sql = format!("update app.operator_keys set {set}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&app.database.admin()).await.unwrap();
            let reply = operator.get("/v1/platform/tenants").await;
            assert_eq!(reply.status.as_u16(), status, "{set}: {}", reply.text());
            assert!(status == 200 || reply.text().contains(word), "{}", reply.text());
        }
    }
}

//! Who may do what: each operation against each kind of credential.

mod keys;
mod people;
mod roles;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::ExtractiveModel;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::operations::{Body, Operation, operations, operator_operations};
use super::things::Things;
use super::{contents, problem};
use crate::support::{TestApp, TestTenant};

/// Things that are made once for all that only read, and anew for each operation that changes something.
#[derive(Default)]
struct Reused(Option<Rc<Things>>);

impl Reused {
    async fn of(
        &mut self,
        operation: Operation,
        owner: &TestTenant,
        asker: &TestTenant,
    ) -> Rc<Things> {
        if operation.method != "GET" {
            return Rc::new(Things::make_for(operation, owner, asker).await);
        }
        if let Some(things) = &self.0 {
            return Rc::clone(things);
        }
        let things = Rc::new(Things::make(owner, asker).await);
        self.0 = Some(Rc::clone(&things));
        things
    }
}

/// Where each try makes things of its own.
async fn many_things() -> TestApp {
    TestApp::start_with(&[("PIDIMA_MAX_ASSISTANTS", "10000")], Arc::new(ExtractiveModel)).await
}

/// A new key of the tenant's, narrowed when scopes are given: the answer to its creation.
async fn make_key(tenant: &TestTenant, role: &str, scopes: Option<&[&str]>) -> Value {
    let mut body = json!({ "name": format!("{role} of a test"), "role": role });
    if let Some(scopes) = scopes {
        body["scopes"] = json!(scopes);
    }
    tenant.post("/v1/api_keys", &body).await.expect(201)
}

fn secret(created: &Value) -> String {
    created["secret"].as_str().unwrap().to_owned()
}

/// The key with one of its parts (`pdm`, tenant, key id, secret) replaced.
fn with_part(key: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<&str> = key.split('_').collect();
    parts[index] = part;
    parts.join("_")
}

async fn expired_key(app: &TestApp, tenant: &TestTenant) -> String {
    let created = make_key(tenant, "owner", None).await;
    let expire = "update app.api_keys set expires_at = now() - interval '1 second' where api_key_id = $1::uuid";
    let id = created["api_key"]["id"].as_str().unwrap();
    let done = sqlx::query(expire).bind(id).execute(&app.database.admin()).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    secret(&created)
}

async fn revoked_key(tenant: &TestTenant) -> String {
    let created = make_key(tenant, "owner", None).await;
    let id = created["api_key"]["id"].as_str().unwrap();
    tenant.delete(&format!("/v1/api_keys/{id}")).await.expect(204);
    secret(&created)
}

/// Credentials that are none, each with what is wrong with it.
async fn bad_credentials(
    app: &TestApp,
    own: &TestTenant,
    other: &TestTenant,
) -> Vec<(&'static str, Option<String>)> {
    let own_tenant = own.id.uuid().simple().to_string();
    let other_tenant = other.id.uuid().simple().to_string();
    let other_secret = other.key.rsplit('_').next().unwrap();
    let mut credentials = vec![
        ("none", None),
        ("basic", Some("Basic b3duZXI6c2VjcmV0".to_owned())),
        ("another scheme", Some(format!("Token {}", own.key))),
        ("no key", Some("Bearer".to_owned())),
        ("no scheme", Some(own.key.clone())),
    ];
    let keys = [
        ("a malformed key", "pdm_no_key".to_owned()),
        ("a key in capitals", own.key.to_uppercase()),
        ("a key that was cut", own.key[..own.key.len() - 1].to_owned()),
        ("own secret, tenant of another", with_part(&own.key, 1, &other_tenant)),
        ("own tenant, secret of another", with_part(&own.key, 3, other_secret)),
        ("own tenant, key of another", with_part(&other.key, 1, &own_tenant)),
        ("expired", expired_key(app, own).await),
        ("revoked", revoked_key(own).await),
    ];
    credentials.extend(keys.map(|(kind, key)| (kind, Some(format!("Bearer {key}")))));
    credentials
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_answers_to_a_credential_that_is_none() {
    let settings = [("PIDIMA_LIMIT_ADDRESS_BURST", "60000")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let (own, other) = (app.tenant("access-own").await, app.tenant("access-other").await);
    let things = Things::make(&own, &own).await;
    let credentials = bad_credentials(&app, &own, &other).await;
    let before = contents(&app).await;
    for operation in operations().into_iter().chain(operator_operations()) {
        for (kind, credential) in &credentials {
            let mut request = operation.request(&app, &things);
            if let Some(credential) = credential {
                request = request.header(AUTHORIZATION, credential);
            }
            println!("{}: {kind}", operation.id);
            problem(&own.send(request).await, 401, "unauthenticated");
        }
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_before_their_body_has_come() {
    let app = TestApp::start().await;
    let things = Things::absent();
    let all = operations().into_iter().chain(operator_operations());
    let with_body = all.filter(|it| !matches!(it.body, Body::Nothing));
    for operation in with_body {
        let address = app.url.strip_prefix("http://").unwrap();
        let mut socket = TcpStream::connect(address).await.unwrap();
        // A body is announced, of a type that nobody reads, and not a byte of it is sent.
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n",
            operation.method,
            operation.path_of(&things)
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = socket.read_exact(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), read).await.expect(operation.id).unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 401", "{}", operation.id);
    }
}

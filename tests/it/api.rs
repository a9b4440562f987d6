//! The HTTP API as strangers meet it: bad input, who may do what, the wall between tenants, the pages beside the API.

mod access;
mod bad_input;
pub mod isolation;
pub mod operations;
mod pages;
pub mod things;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Reply, TestApp};

/// The body of a reply that must be a problem (RFC 9457) with this status and code, and must say what to do.
#[track_caller]
pub fn problem(reply: &Reply, status: u16, code: &str) -> Value {
    let text = reply.text();
    assert_eq!(reply.status.as_u16(), status, "{text}");
    assert_eq!(reply.headers["content-type"], "application/problem+json", "{text}");
    let body = reply.json();
    assert_eq!(body["code"], code, "{text}");
    assert_eq!(body["status"], status, "{text}");
    assert_eq!(body["type"], format!("/problems#{code}"), "{text}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{text}");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{text}");
    assert_eq!(body["request_id"], reply.headers["x-request-id"].to_str().unwrap(), "{text}");
    if status == 401 {
        assert_eq!(reply.headers["www-authenticate"], "Bearer realm=\"pidima\"", "{text}");
    }
    body
}

/// Number and digest of the rows of each table of the service, once the worker has nothing to do: what a refused request
/// must not change.
pub async fn contents(app: &TestApp) -> BTreeMap<String, (i64, String)> {
    let admin = app.database.admin();
    let list = "select relname::text from pg_class
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and not relispartition";
    let tables: Vec<String> = sqlx::query_scalar(list).fetch_all(&admin).await.unwrap();
    // The last use of a key or a login is noted after the reply.
    let counts: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "select '{table}', count(*), md5(string_agg(row, '' order by row))
                from (select (to_jsonb(t) - 'last_used_at' - 'last_seen_at')::text as row from app.{table} t) as r"
            )
        })
        .collect();
    // A message that was set aside waits for a person, not for the worker.
    let waiting = "select 'waiting', (select count(*) from app.outbox)
        + (select count(*) from app.jobs where dead_at is null), null";
    let query = format!("{} union all {waiting}", counts.join(" union all "));
    let began = Instant::now();
    loop {
        let found: Vec<(String, i64, Option<String>)> =
            sqlx::query_as(sqlx::AssertSqlSafe(query.clone())).fetch_all(&admin).await.unwrap();
        let mut found: BTreeMap<String, (i64, String)> = found
            .into_iter()
            .map(|(table, count, digest)| (table, (count, digest.unwrap_or_default())))
            .collect();
        if found.remove("waiting").is_some_and(|(count, _)| count == 0) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the worker is still busy: {found:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The OpenAPI document.
fn openapi() -> Value {
    serde_json::from_str(&pidima::app::openapi_text().unwrap()).unwrap()
}

/// Each operation of the OpenAPI document: method, path, description.
fn documented_operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_when_a_thing_is_made_is_what_is_read_later() {
    let app = crate::support::TestApp::start().await;
    let owner = app.tenant("made-and-read").await;
    // Finer than the database keeps.
    let end = chrono::Utc::now() + chrono::TimeDelta::nanoseconds(86_400_123_456_789);
    for (path, body, part) in [
        ("/v1/api_keys", serde_json::json!({ "name": "k", "role": "member" }), "/api_key"),
        (
            "/v1/api_keys",
            serde_json::json!({ "name": "k", "role": "member", "expires_at": end }),
            "/api_key",
        ),
        (
            "/v1/invitations",
            serde_json::json!({ "email": "ada@example.com", "role": "member", "expires_at": end }),
            "/invitation",
        ),
        ("/v1/groups", serde_json::json!({ "name": "g" }), ""),
        ("/v1/collections", serde_json::json!({ "name": "c" }), ""),
        ("/v1/sessions", serde_json::json!({ "title": "s" }), ""),
    ] {
        let made = owner.post(path, &body).await.expect(201);
        let made = made.pointer(part).unwrap();
        let read = owner.get(&format!("{path}/{}", made["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(*made, read, "{path}");
    }
}

//! Many at once under one key: one effect, and everybody else is told.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{KEY, is_replayed, new_key, post};
use crate::api::problem;
use crate::support::{Reply, TestApp, eventually};

/// Requests at once.
const CROWD: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_make_one_thing() {
    let app = TestApp::start().await;
    let owner = app.tenant("crowd").await;
    for (path, body, table) in [
        ("/v1/sessions", json!({ "title": "one" }), "sessions"),
        ("/v1/collections", json!({ "name": "one" }), "collections"),
        ("/v1/api_keys", json!({ "name": "one", "role": "member" }), "api_keys"),
    ] {
        let count = format!("select count(*) from app.{table} where tenant_id = $1");
        let rows = async || {
            let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count.clone()));
            query.bind(owner.id.uuid()).fetch_one(&app.database.admin()).await.unwrap()
        };
        let before = rows().await;
        let key = new_key();
        let replies = join_all((0..CROWD).map(|_| post(&owner, path, &key, &body))).await;
        assert_eq!(rows().await, before + 1, "{path}");
        judge(path, &replies, table == "api_keys");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_uploads_at_once_make_one_version() {
    let app = TestApp::start().await;
    let owner = app.tenant("upload-crowd").await;
    let key = new_key();
    let replies = join_all((0..CROWD).map(|_| async {
        let file = reqwest::multipart::Part::bytes(b"The pump.".to_vec()).file_name("a.md");
        let form = reqwest::multipart::Form::new().part("file", file);
        let request = owner.request(Method::POST, "/v1/documents").header(KEY, &key);
        owner.send(request.multipart(form)).await
    }))
    .await;
    judge("/v1/documents", &replies, false);
    let versions: i64 = sqlx::query_scalar("select count(*) from app.document_versions")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(versions, 1);
    // Nothing lies about: the losers took their bytes away again.
    let id = replies.iter().find(|reply| reply.status == 202).unwrap().json()["id"].clone();
    owner.settled(id.as_str().unwrap()).await;
    eventually("one original is left", || async { files(&app.objects) == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_one_file_under_keys_of_their_own_are_all_taken() {
    let app = TestApp::start().await;
    let owner = app.tenant("upload-keys").await;
    for _ in 0..3 {
        let replies = join_all((0..8).map(|_| async {
            let file = reqwest::multipart::Part::bytes(b"The valve.".to_vec()).file_name("b.md");
            let form = reqwest::multipart::Form::new().part("file", file);
            let request = owner.request(Method::POST, "/v1/documents").header(KEY, new_key());
            owner.send(request.multipart(form)).await
        }))
        .await;
        for reply in replies {
            assert!(reply.status.is_success(), "{}", reply.text());
        }
    }
}

fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

/// One did it; the others were told that it is on its way, or what came of it.
fn judge(path: &str, replies: &[Reply], is_secret: bool) {
    let done: Vec<&Reply> =
        replies.iter().filter(|reply| reply.status.is_success() && !is_replayed(reply)).collect();
    assert_eq!(done.len(), 1, "{path}");
    for reply in replies.iter().filter(|reply| !std::ptr::eq(*reply, done[0])) {
        if reply.status == 409 && reply.json()["code"] == "idempotency_key_in_use" {
            problem(reply, 409, "idempotency_key_in_use");
            assert_eq!(reply.headers["retry-after"], "1");
        } else if is_secret {
            problem(reply, 409, "already_done");
        } else {
            assert_eq!((reply.status, reply.text()), (done[0].status, done[0].text()), "{path}");
            assert!(is_replayed(reply));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_answers_its_copy_with_409_and_does_not_let_it_wait() {
    let app = TestApp::start().await;
    let owner = app.tenant("in-flight").await;
    let (key, body) = (new_key(), json!({ "name": "wanted" }));
    // Somebody has the name and has not decided yet: the request waits for them inside its transaction.
    let mut holder = app.database.admin().begin().await.unwrap();
    let hold =
        "insert into app.collections (tenant_id, collection_id, name) values ($1, $2, 'wanted')";
    sqlx::query(hold)
        .bind(owner.id.uuid())
        .bind(uuid::Uuid::now_v7())
        .execute(&mut *holder)
        .await
        .unwrap();
    let first = tokio::spawn({
        let (owner, key, body) = (owner.clone(), key.clone(), body.clone());
        async move { post(&owner, "/v1/collections", &key, &body).await }
    });
    let admin = app.database.admin();
    eventually("the request waits", || async {
        let waits = "select exists (
            select
            from pg_stat_activity
            where datname = current_database()
                and wait_event_type = 'Lock'
        )";
        sqlx::query_scalar::<_, bool>(waits).fetch_one(&admin).await.unwrap()
    })
    .await;
    let copy = post(&owner, "/v1/collections", &key, &body).await;
    problem(&copy, 409, "idempotency_key_in_use");
    assert!(!first.is_finished());
    holder.rollback().await.unwrap();
    let first = first.await.unwrap();
    let made = first.text();
    first.expect(201);
    let again = post(&owner, "/v1/collections", &key, &body).await;
    assert!(is_replayed(&again));
    assert_eq!(again.text(), made);
}

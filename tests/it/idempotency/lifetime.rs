//! What is kept, and for how long: only what was done, and no longer than it is said.

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::ExtractiveModel;
use pidima::db::Error;
use pidima::db::idempotency::{Begun, Claim, Holder, Outcome};
use pidima::worker::sweep_outcomes;
use serde_json::json;
use uuid::Uuid;

use super::{is_replayed, new_key, post};
use crate::api::problem;
use crate::support::TestApp;

async fn kept(app: &TestApp) -> i64 {
    let count = "select (select count(*) from app.idempotency_keys) + (select count(*) from app.operator_idempotency_keys)";
    sqlx::query_scalar(count).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_not_kept_so_that_it_can_be_mended_under_the_same_key() {
    let app = TestApp::start().await;
    let owner = app.tenant("refused").await;
    let key = new_key();
    let taken = owner.post("/v1/collections", &json!({ "name": "taken" })).await.expect(201);
    let body = json!({ "name": "taken" });
    problem(&post(&owner, "/v1/collections", &key, &body).await, 409, "conflict");
    problem(&post(&owner, "/v1/collections", &key, &json!({})).await, 422, "validation_failed");
    let absent = json!({ "name": "x", "group_ids": [Uuid::now_v7()] });
    problem(&post(&owner, "/v1/collections", &key, &absent).await, 404, "not_found");
    assert_eq!(kept(&app).await, 0);
    let path = format!("/v1/collections/{}", taken["id"].as_str().unwrap());
    owner.patch(&path, &json!({ "name": "free" })).await.expect(200);
    let made = post(&owner, "/v1/collections", &key, &body).await;
    assert!(!is_replayed(&made));
    made.expect(201);
    assert_eq!(kept(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_again_when_its_time_is_over_and_what_it_kept_is_swept() {
    let app = TestApp::start_with(
        &[("PIDIMA_IDEMPOTENCY_LIFETIME_MS", "60000")],
        Arc::new(ExtractiveModel),
    )
    .await;
    let owner = app.tenant("over").await;
    let operator = owner.with_key(&app.operator_key().await);
    let (key, body) = (new_key(), json!({ "title": "t" }));
    let first = post(&owner, "/v1/sessions", &key, &body).await.expect(201);
    let tenant = json!({ "slug": "made-over", "name": "made" });
    post(&operator, "/v1/platform/tenants", &key, &tenant).await.expect(201);
    let admin = app.database.admin();
    let seconds: f64 = sqlx::query_scalar(
        "select extract(epoch from expires_at - created_at)::float8 from app.idempotency_keys",
    )
    .fetch_one(&admin)
    .await
    .unwrap();
    assert!((59.9..60.1).contains(&seconds), "{seconds}");
    assert_eq!(sweep_outcomes(&app.app.services.db).await.unwrap(), 0);

    for table in ["idempotency_keys", "operator_idempotency_keys"] {
        let end = format!("update app.{table} set expires_at = now()");
        sqlx::query(sqlx::AssertSqlSafe(end)).execute(&admin).await.unwrap();
    }
    let second = post(&owner, "/v1/sessions", &key, &body).await;
    assert!(!is_replayed(&second));
    assert_ne!(second.json()["id"], first["id"]);
    assert!(is_replayed(&post(&owner, "/v1/sessions", &key, &body).await));

    assert_eq!(kept(&app).await, 2);
    assert_eq!(sweep_outcomes(&app.app.services.db).await.unwrap(), 1);
    assert_eq!(kept(&app).await, 1);
    let end = "update app.idempotency_keys set expires_at = now()";
    sqlx::query(end).execute(&admin).await.unwrap();
    assert_eq!(sweep_outcomes(&app.app.services.db).await.unwrap(), 1);
    assert_eq!(kept(&app).await, 0);
}

#[tokio::test]
async fn an_effect_under_a_key_is_not_committed_without_its_outcome() {
    let app = TestApp::start().await;
    let owner = app.tenant("forgotten").await;
    let db = &app.app.services.db;
    let claim = Claim {
        holder: Holder::Principal(Uuid::now_v7()),
        key: "k".to_owned(),
        request_sha256: [7; 32],
        lifetime: Duration::from_secs(60),
    };
    let Begun::Anew(tx) = db.tenant_once(owner.id, Some(&claim)).await.unwrap() else {
        panic!("never seen before")
    };
    assert!(matches!(tx.commit().await, Err(Error::Inconsistent { .. })));
    // The transaction is gone, and with it the lock: the next try is the first.
    let Begun::Anew(tx) = db.tenant_once(owner.id, Some(&claim)).await.unwrap() else {
        panic!("nothing was kept")
    };
    assert!(matches!(db.tenant_once(owner.id, Some(&claim)).await, Err(Error::KeyInUse)));
    let outcome = Outcome { status: 201, body: Some("{}".to_owned()), ..Outcome::default() };
    tx.commit_outcome(&outcome).await.unwrap();
    let Begun::Before(kept) = db.tenant_once(owner.id, Some(&claim)).await.unwrap() else {
        panic!("kept")
    };
    assert_eq!(kept.outcome, outcome);
    let other = Claim { request_sha256: [8; 32], ..claim };
    assert!(matches!(db.tenant_once(owner.id, Some(&other)).await, Err(Error::KeyReused)));
}

//! Messages that get lost or are set aside: no document waits for ever.

use std::time::Duration;

use pidima::adapters::objects::{ObjectError, ObjectKey};
use pidima::kernel::ids::new_id;
use pidima::worker::reconcile_versions;
use serde_json::{Value, json};

use super::{hurry, idle, last_version, upload, versions_found};
use crate::platform::TestOperator;
use crate::support::{TestApp, TestTenant};
use crate::webhooks::FEW;

const TEXT: &str = "# A\n\nThe pump runs at night.\n";

async fn run(app: &TestApp, statement: &'static str) {
    sqlx::raw_sql(statement).execute(&app.database.admin()).await.unwrap();
}

async fn job(app: &TestApp, tenant: &TestTenant) -> Value {
    let id = last_version(app).await;
    tenant.get(&format!("/v1/ingestion_jobs/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_version_without_a_message_is_queued_again_after_its_time_and_not_before() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let db = app.app.services.db.clone();
    assert_eq!(reconcile_versions(&db, Duration::ZERO).await.unwrap(), 0, "it has its message");
    run(&app, "delete from app.outbox").await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "received", "nobody knows of it");
    assert_eq!(reconcile_versions(&db, Duration::from_secs(3_600)).await.unwrap(), 0);
    run(&app, "update app.document_versions set state = 'parsing', lease_expires_at = now() + interval '1 minute'").await;
    assert_eq!(reconcile_versions(&db, Duration::ZERO).await.unwrap(), 0, "somebody has it");
    run(&app, "update app.document_versions set lease_expires_at = now()").await;
    assert_eq!(reconcile_versions(&db, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(reconcile_versions(&db, Duration::ZERO).await.unwrap(), 0, "once is enough");
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "ready");
    run(&app, "delete from app.outbox").await;
    assert_eq!(reconcile_versions(&db, Duration::ZERO).await.unwrap(), 0, "it is over");
}

#[tokio::test]
async fn a_worker_finds_by_itself_what_lost_its_message() {
    let (app, _) = idle(&[("PIDIMA_QUEUE_LOST_AFTER_MS", "200")]).await;
    let tenant = app.tenant("acme").await;
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    run(&app, "delete from app.outbox").await;
    app.start_worker();
    assert_eq!(tenant.settled(&id).await["state"], "ready");
}

#[tokio::test]
async fn a_message_that_the_queue_loses_is_handed_over_again() {
    let (app, _) = idle(&[("PIDIMA_QUEUE_LOST_AFTER_MS", "200")]).await;
    let tenant = app.tenant("acme").await;
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    let db = &app.app.services.db;
    // Handed over by a relay that died before it sent, or to a queue that forgot it.
    let mut tx = db.system().await.unwrap();
    assert_eq!(tx.hand_over(100, 32, Duration::from_millis(50), FEW).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let mut tx = db.system().await.unwrap();
    let twice = tx.hand_over(100, 32, Duration::ZERO, FEW).await.unwrap();
    assert!(twice.is_empty(), "nobody has it twice");
    drop(tx);
    app.start_worker();
    assert_eq!(tenant.settled(&id).await["state"], "ready");
}

/// Leaves a message that was received too often, and the worker that finds it.
async fn buried(app: &TestApp, tenant: &TestTenant) -> Value {
    let db = &app.app.services.db;
    let mut tx = db.system().await.unwrap();
    let messages = tx.hand_over(100, 32, Duration::from_secs(60), FEW).await.unwrap();
    tx.commit().await.unwrap();
    app.app.worker.queue.send(&messages).await.unwrap();
    run(app, "update app.jobs set receives = 20").await;
    app.app.worker.run_until_idle().await.unwrap();
    job(app, tenant).await
}

#[tokio::test]
async fn a_document_whose_message_is_set_aside_fails_and_the_operator_gives_it_back() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let operator = TestOperator::of(&app, &tenant).await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let failed = buried(&app, &tenant).await;
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["failure"]["code"], "worker_lost");
    assert!(failed["failure"]["detail"].as_str().unwrap().contains("20 times"), "{failed}");
    let letters = operator.get("/v1/platform/dead_letters").await.expect(200);
    let letter = &letters["items"][0];
    assert_eq!(letters["items"].as_array().unwrap().len(), 1);
    assert_eq!((&letter["kind"], &letter["receives"]), (&json!("ingest_version"), &json!(21)));
    assert_eq!(
        (&letter["subject_id"], &letter["tenant_id"]),
        (&failed["id"], &json!(tenant.id.to_string()))
    );
    assert!(!letters.to_string().contains("pump"));
    let path = format!("/v1/platform/dead_letters/{}", letter["id"].as_str().unwrap());
    operator.send("POST", &format!("{path}/redrive")).await.expect(204);
    operator.send("POST", &format!("{path}/redrive")).await.expect(404);
    assert_eq!(job(&app, &tenant).await["state"], "received");
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "ready");
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    let left = operator.get("/v1/platform/dead_letters").await.expect(200);
    assert_eq!(left["items"], json!([]));
    let noted: i64 = sqlx::query_scalar(
        "select count(*) from app.audit_events where action = 'dead_letter.redriven' and actor_kind = 'operator'",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn a_dead_letter_that_is_deleted_is_gone_and_its_tenant_may_still_retry() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let operator = TestOperator::of(&app, &tenant).await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let failed = buried(&app, &tenant).await;
    let letters = operator.get("/v1/platform/dead_letters?limit=1").await.expect(200);
    let path = format!("/v1/platform/dead_letters/{}", letters["items"][0]["id"].as_str().unwrap());
    operator.send("DELETE", &path).await.expect(204);
    operator.send("DELETE", &path).await.expect(404);
    hurry(&app).await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "failed");
    let retry = format!("/v1/ingestion_jobs/{}/retry", failed["id"].as_str().unwrap());
    tenant.post(&retry, &json!({})).await.expect(200);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "ready");
}

#[tokio::test]
async fn a_second_message_that_is_set_aside_does_not_end_what_another_worker_does() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    run(&app, "update app.document_versions set state = 'parsing', lease_expires_at = now() + interval '1 minute', lease_token = gen_random_uuid()").await;
    assert_eq!(buried(&app, &tenant).await["state"], "parsing");
}

#[tokio::test]
async fn an_original_whose_upload_broke_off_is_removed_after_its_time_and_not_before() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let kept = ObjectKey::original(tenant.id, last_version(&app).await);
    app.app.worker.run_until_idle().await.unwrap();
    // What an instance leaves that is killed when it has stored an original.
    let stray = new_id();
    let key = ObjectKey::original(tenant.id, stray);
    app.app.objects.put(&key, b"stray".to_vec()).await.unwrap();
    sqlx::query("insert into app.pending_originals (tenant_id, version_id) values ($1, $2)")
        .bind(tenant.id.uuid())
        .bind(stray)
        .execute(&app.database.admin())
        .await
        .unwrap();
    let db = app.app.services.db.clone();
    reconcile_versions(&db, Duration::from_secs(3_600)).await.unwrap();
    app.app.worker.run_until_idle().await.unwrap();
    assert!(app.app.objects.get(&key).await.is_ok(), "the upload may go on");
    reconcile_versions(&db, Duration::ZERO).await.unwrap();
    app.app.worker.run_until_idle().await.unwrap();
    let gone = app.app.objects.get(&key).await;
    assert!(matches!(gone, Err(ObjectError::Missing(_))), "{gone:?}");
    assert!(app.app.objects.get(&kept).await.is_ok(), "that of a version stays");
    let announced: i64 = sqlx::query_scalar("select count(*) from app.pending_originals")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(announced, 0);
}

//! Deliveries come twice, workers stop dead, services fail for a while: the effect is once.

use std::time::Duration;

use pidima::adapters::embeddings::EmbeddingError;
use pidima::adapters::objects::{ObjectError, ObjectKey};
use pidima::adapters::queue::Message;
use pidima::kernel::ids::new_id;
use pidima::knowledge::{INGEST_VERSION, JobOutcome};
use tokio_util::sync::CancellationToken;

use super::{contents, hurry, idle, ingestion, last_version, upload, versions_found, working};
use crate::support::{TestApp, eventually};
use crate::webhooks::FEW;

const TEXT: &str = "# A\n\nThe pump runs at night. The valve is shut by day.\n";

fn busy() -> EmbeddingError {
    EmbeddingError::Unavailable { model: "m".to_owned(), reason: "busy".to_owned() }
}

async fn dead_jobs(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from app.jobs where dead_at is not null")
        .fetch_one(&app.database.admin())
        .await
        .unwrap()
}

#[tokio::test]
async fn three_deliveries_of_one_message_end_in_the_state_of_one() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    let hands = ingestion(&app, &embedder, Duration::from_secs(60));
    assert_eq!(hands.ingest(tenant.id, version).await.unwrap(), JobOutcome::Done);
    let after_one = contents(&app).await;
    let passages = embedder.take_passages();
    for _ in 0..2 {
        assert_eq!(hands.ingest(tenant.id, version).await.unwrap(), JobOutcome::Done);
    }
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(contents(&app).await, after_one);
    assert!(!passages.is_empty());
    assert!(embedder.take_passages().is_empty());
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 0);
}

#[tokio::test]
async fn three_deliveries_at_once_are_worked_on_by_one() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    let hands = ingestion(&app, &embedder, Duration::from_secs(60));
    let job = || hands.ingest(tenant.id, version);
    let (one, two, three) = tokio::join!(job(), job(), job());
    let outcomes = [one.unwrap(), two.unwrap(), three.unwrap()];
    assert!(outcomes.contains(&JobOutcome::Done), "{outcomes:?}");
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    let attempts: i32 = sqlx::query_scalar("select attempts from app.document_versions")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    let slow = ingestion(&app, &embedder, Duration::from_millis(20));
    embedder.hold_next();
    let tenant_id = tenant.id;
    let late = tokio::spawn(async move { slow.ingest(tenant_id, version).await.unwrap() });
    embedder.entered().await;
    let other = ingestion(&app, &embedder, Duration::from_secs(60));
    eventually("the lease ends and another worker is done", || async {
        other.ingest(tenant.id, version).await.unwrap() == JobOutcome::Done
    })
    .await;
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    let before = contents(&app).await;
    embedder.release();
    assert_eq!(late.await.unwrap(), JobOutcome::Done);
    assert_eq!(contents(&app).await, before);
    let attempts: Vec<(i32, Option<String>, bool)> = sqlx::query_as(
        "select number, failure_code, ended_at is not null from app.ingestion_attempts order by 1",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[1], (2, None, true));
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_and_then_fails_spoils_nothing() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    let slow = ingestion(&app, &embedder, Duration::from_millis(20));
    embedder.hold_next();
    let tenant_id = tenant.id;
    let late = tokio::spawn(async move { slow.ingest(tenant_id, version).await.unwrap() });
    embedder.entered().await;
    let other = ingestion(&app, &embedder, Duration::from_secs(60));
    eventually("the lease ends and another worker is done", || async {
        other.ingest(tenant.id, version).await.unwrap() == JobOutcome::Done
    })
    .await;
    let before = contents(&app).await;
    let fault = EmbeddingError::Output { model: "m".to_owned(), reason: "bad".to_owned() };
    embedder.fail_next(fault);
    embedder.release();
    late.await.unwrap();
    assert_eq!(contents(&app).await, before);
}

#[tokio::test]
async fn a_fault_that_passes_is_logged_and_tried_again() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    embedder.fail_next(busy());
    let document = tenant.learn("a.md", TEXT).await;
    let id = document["id"].as_str().unwrap();
    let attempts: Vec<(i32, String, Option<String>)> = sqlx::query_as(
        "select number, stage, failure_code from app.ingestion_attempts order by number",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(
        attempts,
        [
            (1, "embedding".to_owned(), Some("embedding_failed".to_owned())),
            (2, "ready".to_owned(), None)
        ]
    );
    let versions = tenant.get(&format!("/v1/documents/{id}/versions")).await.expect(200);
    assert_eq!(versions["items"][0]["attempts"], 2);
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
}

#[tokio::test]
async fn a_fault_that_stays_ends_in_failed_after_the_attempts_allowed() {
    let (app, embedder) = idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "3")]).await;
    let tenant = app.tenant("acme").await;
    (0..10).for_each(|_| embedder.fail_next(busy()));
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    for attempt in 1..=3 {
        let document = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
        assert_eq!(document["state"], "received", "before attempt {attempt}");
        hurry(&app).await;
        app.app.worker.run_until_idle().await.unwrap();
    }
    let document = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
    assert_eq!(document["state"], "failed");
    assert_eq!(document["failure"]["code"], "embedding_failed");
    hurry(&app).await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 0);
    assert_eq!(dead_jobs(&app).await, 0);
}

#[tokio::test]
async fn a_document_whose_workers_die_each_time_fails_instead_of_waiting_for_ever() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    // What five workers that were killed in the middle leave behind.
    sqlx::query(
        "update app.document_versions
        set state = 'parsing', attempts = 5, lease_token = gen_random_uuid(), lease_expires_at = now()",
    )
    .execute(&app.database.admin())
    .await
    .unwrap();
    let hands = ingestion(&app, &embedder, Duration::from_secs(60));
    assert_eq!(hands.ingest(tenant.id, version).await.unwrap(), JobOutcome::Done);
    let document = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
    assert_eq!(document["state"], "failed", "{document}");
    assert_eq!(document["failure"]["code"], "worker_lost");
    assert!(embedder.take_passages().is_empty());
}

#[tokio::test]
async fn a_relay_that_dies_after_it_sent_queues_each_message_once() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    for number in 0..5 {
        upload(&tenant, &format!("{number}.md"), &format!("{TEXT}\n{number}"), 202).await;
    }
    // Sent, and the relay is gone before it could say so: the messages wait again.
    let mut tx = app.app.services.db.system().await.unwrap();
    let messages = tx.hand_over(100, 32, Duration::from_secs(30), FEW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(messages.len(), 5);
    let mut other = app.app.services.db.system().await.unwrap();
    let taken_twice = other.hand_over(100, 32, Duration::from_secs(30), FEW).await.unwrap();
    assert!(taken_twice.is_empty(), "nobody else hands them over meanwhile");
    drop(other);
    app.app.worker.queue.send(&messages).await.unwrap();
    assert_eq!(app.app.services.db.system().await.unwrap().count_outbox().await.unwrap(), 5);
    sqlx::query("update app.outbox set lost_at = now()")
        .execute(&app.database.admin())
        .await
        .unwrap();
    app.app.worker.queue.send(&messages).await.unwrap();
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 5);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 0);
    assert_eq!(app.app.services.db.system().await.unwrap().count_outbox().await.unwrap(), 0);
    let attempts: i64 = sqlx::query_scalar("select sum(attempts) from app.document_versions")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(attempts, 5);
    assert!(!embedder.take_passages().is_empty());
}

#[tokio::test]
async fn a_message_that_is_never_done_is_set_aside_and_the_others_go_on() {
    let (app, _) = idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let poison = Message {
        message_id: new_id(),
        kind: "a job of another age".to_owned(),
        tenant: tenant.id,
        subject_id: new_id(),
    };
    let nobody = Message {
        message_id: new_id(),
        kind: INGEST_VERSION.to_owned(),
        tenant: tenant.id,
        subject_id: new_id(),
    };
    app.app.worker.queue.send(&[poison, nobody]).await.unwrap();
    upload(&tenant, "a.md", TEXT, 202).await;
    for _ in 0..6 {
        hurry(&app).await;
        app.app.worker.run_until_idle().await.unwrap();
    }
    assert_eq!(dead_jobs(&app).await, 1);
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 0);
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
}

#[tokio::test]
async fn what_was_deleted_is_removed_however_often_that_failed_before() {
    let (app, _) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    app.app.worker.run_until_idle().await.unwrap();
    let original = ObjectKey::original(tenant.id, last_version(&app).await);
    assert!(app.app.objects.get(&original).await.is_ok());
    tenant.delete(&format!("/v1/documents/{id}")).await.expect(204);
    let mut tx = app.app.services.db.system().await.unwrap();
    let messages = tx.hand_over(100, 32, Duration::from_secs(30), FEW).await.unwrap();
    tx.commit().await.unwrap();
    app.app.worker.queue.send(&messages).await.unwrap();
    let many = sqlx::query("update app.jobs set receives = 1000");
    assert_eq!(many.execute(&app.database.admin()).await.unwrap().rows_affected(), 1);
    app.app.worker.run_until_idle().await.unwrap();
    let gone = app.app.objects.get(&original).await;
    assert!(matches!(gone, Err(ObjectError::Missing(_))), "{gone:?}");
    assert!(app.app.worker.queue.dead(10).await.unwrap().is_empty());
    assert_eq!(app.app.services.db.system().await.unwrap().count_outbox().await.unwrap(), 0);
}

#[tokio::test]
async fn a_copy_that_is_set_aside_does_not_give_up_the_job_that_goes_on() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    let id = upload(&tenant, "a.md", TEXT, 202).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(app.app.worker.clone().run(stop.clone()));
    embedder.entered().await;
    sqlx::query(
        "insert into app.jobs (job_id, kind, for_tenant, subject_id, receives)
        values (gen_random_uuid(), $1, $2, $3, 1000)",
    )
    .bind(INGEST_VERSION)
    .bind(tenant.id.uuid())
    .bind(last_version(&app).await)
    .execute(&app.database.admin())
    .await
    .unwrap();
    eventually("the copy is gone", || async { app.app.worker.queue.backlog().await.unwrap() == 1 })
        .await;
    assert!(app.app.worker.queue.dead(10).await.unwrap().is_empty());
    embedder.release();
    assert_eq!(tenant.settled(&id).await["state"], "ready");
    stop.cancel();
    worker.await.unwrap();
}

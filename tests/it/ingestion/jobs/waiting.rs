//! Requests that wait for the end of a job.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{TEXT, busy, idle, job, last_version, upload};
use crate::support::{Reply, TestTenant};

const OFTEN: (&str, &str) = ("PIDIMA_INGESTION_EVENTS_POLL_MS", "10");

async fn upload_and_wait(tenant: &TestTenant, query: &str, key: Option<&str>) -> Reply {
    let file = Part::bytes(TEXT.as_bytes().to_vec()).file_name("a.md");
    let path = format!("/v1/documents?{query}");
    let request = tenant.request(Method::POST, &path).multipart(Form::new().part("file", file));
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    tenant.send(request).await
}

#[tokio::test]
async fn an_upload_that_waits_is_answered_when_the_document_is_in_search() {
    let (app, _) = idle(&[OFTEN]).await;
    app.start_worker();
    let tenant = app.tenant("acme").await;
    let key = "a key of this very upload";
    let done = upload_and_wait(&tenant, "wait=ready", Some(key)).await.expect(200);
    assert_eq!((&done["state"], &done["searchable"]), (&"ready".into(), &true.into()));
    let again = upload_and_wait(&tenant, "wait=ready", Some(key)).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(200)["state"], "ready");
}

#[tokio::test]
async fn an_upload_that_waits_is_told_of_a_failure_too() {
    let (app, embedder) = idle(&[OFTEN, ("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    app.start_worker();
    let tenant = app.tenant("acme").await;
    embedder.fail_next(busy());
    let failed = upload_and_wait(&tenant, "wait=ready", None).await.expect(200);
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["failure"]["code"], "embedding_failed");
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_over_and_never_after_the_setting() {
    let bound = Duration::from_millis(1_200);
    let (app, _) = idle(&[OFTEN, ("PIDIMA_INGESTION_MAX_WAIT_MS", "1200")]).await;
    let tenant = app.tenant("acme").await;
    let waited = |query: &'static str| {
        let tenant = tenant.clone();
        async move {
            let began = Instant::now();
            let body = upload_and_wait(&tenant, query, None).await;
            (began.elapsed(), body)
        }
    };
    // Below the bound what was asked for counts, above it and without a word the bound.
    let (time, reply) = waited("wait=ready&wait_seconds=1").await;
    assert_eq!(reply.expect(202)["state"], "received");
    assert!(time >= Duration::from_secs(1), "{time:?}");
    for query in ["wait=ready&wait_seconds=2", "wait=ready&wait_seconds=600", "wait=ready"] {
        let (time, reply) = waited(query).await;
        assert_eq!(reply.json()["state"], "received", "{query}");
        assert!(time >= bound && time < Duration::from_secs(60), "{query}: {time:?}");
    }
    let (_, refused) = waited("wait=ready&wait_seconds=601").await;
    refused.expect(422);
    let (_, refused) = waited("wait=ready&wait_seconds=0").await;
    refused.expect(422);
}

#[tokio::test]
async fn a_job_is_answered_when_it_is_over() {
    let (app, embedder) = idle(&[OFTEN]).await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    upload(&tenant, "a.md", TEXT, 202).await;
    app.start_worker();
    embedder.entered().await;
    assert_eq!(job(&app, &tenant).await["state"], "embedding");
    let path = format!("/v1/ingestion_jobs/{}?wait=ready", last_version(&app).await);
    let waiting = tenant.clone();
    let answer: tokio::task::JoinHandle<Value> =
        tokio::spawn(async move { waiting.get(&path).await.expect(200) });
    embedder.release();
    assert_eq!(answer.await.unwrap()["state"], "ready");
}

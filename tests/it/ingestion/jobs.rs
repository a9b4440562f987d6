//! Jobs as their tenant sees and steers them.

mod events;
mod reprocess;
mod waiting;

use std::time::Duration;

use pidima::adapters::embeddings::EmbeddingError;
use pidima::knowledge::JobOutcome;
use reqwest::Method;
use serde_json::{Value, json};

use super::{hurry, idle, ingestion, last_version, rows_left, upload, versions_found, working};
use crate::support::{TestApp, TestTenant};
use crate::webhooks::FEW;

const TEXT: &str = "# A\n\nThe pump runs at night. The valve is shut by day.\n";

fn busy() -> EmbeddingError {
    EmbeddingError::Unavailable { model: "m".to_owned(), reason: "busy".to_owned() }
}

/// The job of the version that was uploaded last.
async fn job(app: &TestApp, tenant: &TestTenant) -> Value {
    let id = last_version(app).await;
    tenant.get(&format!("/v1/ingestion_jobs/{id}")).await.expect(200)
}

async fn steer(tenant: &TestTenant, job: &Value, verb: &str) -> Value {
    let path = format!("/v1/ingestion_jobs/{}/{verb}", job["id"].as_str().unwrap());
    tenant.send(tenant.request(Method::POST, &path)).await.expect(200)
}

async fn audited(app: &TestApp, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from app.audit_events where action = $1")
        .bind(action)
        .fetch_one(&app.database.admin())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_job_tells_each_attempt_with_its_stages_and_why_it_ended() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    embedder.fail_next(busy());
    upload(&tenant, "a.md", TEXT, 202).await;
    let first = job(&app, &tenant).await;
    assert_eq!((&first["state"], &first["attempt_count"]), (&json!("received"), &json!(0)));
    assert_eq!(first["queue"], json!({ "state": "waiting", "position": 1 }));
    assert_eq!(first["attempts"], json!([]));
    assert!(first.get("next_attempt_at").is_none() && first.get("ended_at").is_none(), "{first}");
    app.app.worker.run_until_idle().await.unwrap();
    let failed = job(&app, &tenant).await;
    assert_eq!(failed["state"], "received");
    assert!(failed["next_attempt_at"].is_string(), "{failed}");
    assert_eq!(failed["queue"], json!({ "state": "handed_over" }));
    let attempt = &failed["attempts"][0];
    assert_eq!((&attempt["number"], &attempt["stage"]), (&json!(1), &json!("embedding")));
    assert_eq!(attempt["failure"]["code"], "embedding_failed");
    assert!(attempt["failure"]["detail"].as_str().unwrap().len() > 10, "{attempt}");
    for time in ["parse_ms", "chunk_ms", "embed_ms", "started_at", "ended_at"] {
        assert!(attempt.get(time).is_some(), "{time}: {attempt}");
    }
    assert!(attempt.get("index_ms").is_none(), "{attempt}");
    hurry(&app).await;
    app.app.worker.run_until_idle().await.unwrap();
    let done = job(&app, &tenant).await;
    assert_eq!((&done["state"], &done["attempt_count"]), (&json!("ready"), &json!(2)));
    assert!(done["ended_at"].is_string() && done.get("queue").is_none(), "{done}");
    assert!(done.get("next_attempt_at").is_none(), "{done}");
    assert_eq!(done["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(done["attempts"][1]["stage"], "ready");
    assert!(done["attempts"][1]["index_ms"].is_number(), "{done}");
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_state_collection_and_document() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let fault = EmbeddingError::Output { model: "m".to_owned(), reason: "bad".to_owned() };
    embedder.fail_next(fault);
    upload(&tenant, "bad.md", TEXT, 202).await;
    app.app.worker.run_until_idle().await.unwrap();
    let good = upload(&tenant, "good.md", "# B\n\nA lamp.\n", 202).await;
    app.app.worker.run_until_idle().await.unwrap();
    upload(&tenant, "new.md", "# C\n\nA belt.\n", 202).await;
    let names = |query: &str| {
        let (tenant, path) = (tenant.clone(), format!("/v1/ingestion_jobs?{query}"));
        async move {
            let list = tenant.get(&path).await.expect(200);
            let items = list["items"].as_array().unwrap().clone();
            let names = items.iter().map(|job| job["document_name"].as_str().unwrap().to_owned());
            (names.collect::<Vec<_>>(), list)
        }
    };
    assert_eq!(names("").await.0, ["new.md", "good.md", "bad.md"]);
    assert_eq!(names("state=failed").await.0, ["bad.md"]);
    assert_eq!(names("state=received").await.0, ["new.md"]);
    assert_eq!(names(&format!("document_id={good}")).await.0, ["good.md"]);
    let other = uuid::Uuid::now_v7();
    assert_eq!(names(&format!("collection_id={other}")).await.0, Vec::<String>::new());
    let (first, list) = names("limit=2").await;
    let cursor = list["next_cursor"].as_str().unwrap();
    let (second, last) = names(&format!("limit=2&cursor={cursor}")).await;
    assert_eq!([first, second].concat(), ["new.md", "good.md", "bad.md"]);
    assert!(last.get("next_cursor").is_none());
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_and_begins_again_when_it_is_retried() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let waiting = job(&app, &tenant).await;
    assert_eq!(steer(&tenant, &waiting, "retry").await["state"], "received", "left as it is");
    let cancelled = steer(&tenant, &waiting, "cancel").await;
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["ended_at"].is_string(), "{cancelled}");
    assert_eq!(steer(&tenant, &waiting, "cancel").await, cancelled);
    assert_eq!(audited(&app, "ingestion_job.cancelled").await, 1);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(versions_found(&tenant, "pump").await, [0_i64; 0]);
    assert!(embedder.take_passages().is_empty());
    let again = steer(&tenant, &waiting, "retry").await;
    assert_eq!((&again["state"], again.get("ended_at")), (&json!("received"), None));
    assert_eq!(audited(&app, "ingestion_job.retried").await, 1);
    app.app.worker.run_until_idle().await.unwrap();
    let done = job(&app, &tenant).await;
    assert_eq!((&done["state"], &done["attempt_count"]), (&json!("ready"), &json!(1)));
    assert_eq!(steer(&tenant, &done, "cancel").await["state"], "ready", "left as it is");
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
}

#[tokio::test]
async fn a_worker_in_the_middle_of_a_cancelled_job_publishes_nothing() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let version = last_version(&app).await;
    let hands = ingestion(&app, &embedder, Duration::from_secs(60));
    embedder.hold_next();
    let tenant_id = tenant.id;
    let held = tokio::spawn(async move { hands.ingest(tenant_id, version).await.unwrap() });
    embedder.entered().await;
    let running = job(&app, &tenant).await;
    assert_eq!(running["state"], "embedding");
    assert!(running["attempts"][0].get("ended_at").is_none());
    let cancelled = steer(&tenant, &running, "cancel").await;
    assert_eq!(cancelled["attempts"][0]["failure"]["code"], "cancelled");
    embedder.release();
    assert_eq!(held.await.unwrap(), JobOutcome::Done);
    assert_eq!(job(&app, &tenant).await, cancelled, "the late worker changed something");
    assert_eq!(versions_found(&tenant, "pump").await, [0_i64; 0]);
    let chunks: i64 = sqlx::query_scalar("select count(*) from app.chunks")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(chunks, 0);
    // One that is retried while the old worker still holds it is the new worker's alone.
    steer(&tenant, &running, "retry").await;
    app.app.worker.run_until_idle().await.unwrap();
    let done = job(&app, &tenant).await;
    assert_eq!((&done["state"], &done["attempt_count"]), (&json!("ready"), &json!(2)));
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
}

#[tokio::test]
async fn after_a_retry_the_limit_of_attempts_counts_anew_and_the_numbers_go_on() {
    let (app, embedder) = idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "2")]).await;
    let tenant = app.tenant("acme").await;
    (0..3).for_each(|_| embedder.fail_next(busy()));
    upload(&tenant, "a.md", TEXT, 202).await;
    for expected in ["received", "failed"] {
        hurry(&app).await;
        app.app.worker.run_until_idle().await.unwrap();
        assert_eq!(job(&app, &tenant).await["state"], expected);
    }
    let failed = job(&app, &tenant).await;
    assert_eq!(failed["failure"]["code"], "embedding_failed");
    let again = steer(&tenant, &failed, "retry").await;
    assert!(again.get("failure").is_none(), "{again}");
    assert_eq!(again["attempts"].as_array().unwrap().len(), 2, "attempts before are kept");
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(job(&app, &tenant).await["state"], "received", "the third is the first anew");
    hurry(&app).await;
    app.app.worker.run_until_idle().await.unwrap();
    let done = job(&app, &tenant).await;
    assert_eq!(done["state"], "ready");
    let attempts = done["attempts"].as_array().unwrap();
    let numbers: Vec<i64> = attempts.iter().map(|it| it["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn the_place_in_the_line_is_told_until_the_message_is_handed_over() {
    let (app, _) = idle(&[]).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("globex").await);
    upload(&other, "o.md", TEXT, 202).await;
    for number in 0..3 {
        upload(&tenant, &format!("{number}.md"), &format!("{TEXT}\n{number}"), 202).await;
    }
    assert_eq!(job(&app, &tenant).await["queue"], json!({ "state": "waiting", "position": 3 }));
    let mut tx = app.app.services.db.system().await.unwrap();
    assert_eq!(tx.hand_over(100, 2, Duration::from_secs(60), FEW).await.unwrap().len(), 3);
    tx.commit().await.unwrap();
    assert_eq!(job(&app, &tenant).await["queue"], json!({ "state": "waiting", "position": 1 }));
    let list = tenant.get("/v1/ingestion_jobs").await.expect(200);
    let oldest = list["items"][2]["id"].as_str().unwrap();
    let oldest = tenant.get(&format!("/v1/ingestion_jobs/{oldest}")).await.expect(200);
    assert_eq!(oldest["queue"], json!({ "state": "handed_over" }));
}

#[tokio::test]
async fn a_job_out_of_reach_is_a_job_that_is_not_there() {
    let (app, _) = working().await;
    let tenant = app.tenant("acme").await;
    let stranger = app.tenant("globex").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "chemists" })).await.expect(201);
    let limited = json!({ "name": "limited", "group_ids": [group["id"]] });
    let limited = tenant.post("/v1/collections", &limited).await.expect(201);
    let document = tenant.learn("a.md", TEXT).await;
    sqlx::query("update app.documents set collection_id = $1::uuid")
        .bind(limited["id"].as_str().unwrap())
        .execute(&app.database.admin())
        .await
        .unwrap();
    let editor = tenant.with_role("editor").await;
    let id = last_version(&app).await;
    tenant.get(&format!("/v1/ingestion_jobs/{id}")).await.expect(200);
    for caller in [&editor, &stranger] {
        assert_eq!(caller.get("/v1/ingestion_jobs").await.expect(200)["items"], json!([]));
        for (method, verb) in [
            (Method::GET, ""),
            (Method::GET, "?wait=ready"),
            (Method::GET, "/events"),
            (Method::POST, "/cancel"),
            (Method::POST, "/retry"),
        ] {
            let ask = |id: uuid::Uuid| {
                let path = format!("/v1/ingestion_jobs/{id}{verb}");
                caller.send(caller.request(method.clone(), &path))
            };
            let (there, absent) = (ask(id).await, ask(uuid::Uuid::now_v7()).await);
            let hide = |reply: crate::support::Reply| {
                let mut body = reply.expect(404);
                body.as_object_mut().unwrap().remove("request_id");
                body.as_object_mut().unwrap().remove("instance");
                body
            };
            assert_eq!(hide(there), hide(absent), "{verb}");
        }
        let path = format!("/v1/documents/{}/reprocess", document["id"].as_str().unwrap());
        caller.send(caller.request(Method::POST, &path)).await.expect(404);
    }
}

//! Following a job while it comes about.

use reqwest::Method;
use serde_json::Value;

use super::{TEXT, idle, job, last_version, steer, upload};
use crate::support::{EventReader, StreamEvent, TestTenant};

async fn follow(tenant: &TestTenant, id: &str) -> EventReader {
    let path = format!("/v1/ingestion_jobs/{id}/events");
    let response = tenant.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    EventReader::new(response)
}

fn told(event: &StreamEvent) -> (String, Value) {
    assert_eq!(event.data["type"], event.name);
    (event.name.clone(), event.data["job"]["state"].clone())
}

const OFTEN: (&str, &str) = ("PIDIMA_INGESTION_EVENTS_POLL_MS", "10");

#[tokio::test]
async fn who_follows_a_job_sees_it_as_it_is_each_change_and_the_end() {
    let (app, embedder) = idle(&[OFTEN]).await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    upload(&tenant, "a.md", TEXT, 202).await;
    let id = last_version(&app).await.to_string();
    let mut reader = follow(&tenant, &id).await;
    let mut seen = vec![reader.next().await.unwrap()];
    app.start_worker();
    embedder.entered().await;
    while seen.last().unwrap().data["job"]["state"] != "embedding" {
        seen.push(reader.next().await.unwrap());
    }
    embedder.release();
    seen.extend(reader.rest().await);
    assert_eq!(told(&seen[0]), ("snapshot".to_owned(), "received".into()));
    let (last, middle) = (seen.last().unwrap(), &seen[1..seen.len() - 1]);
    assert_eq!(told(last), ("ended".to_owned(), "ready".into()));
    assert!(!middle.is_empty() && middle.iter().all(|event| event.name == "changed"), "{seen:?}");
    let numbers: Vec<usize> = seen.iter().map(|event| event.id).collect();
    assert_eq!(numbers, (1..=seen.len()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_job_that_is_over_is_told_at_once_and_a_reader_who_comes_again_is_sent_away() {
    let (app, _) = idle(&[OFTEN]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let waiting = job(&app, &tenant).await;
    steer(&tenant, &waiting, "cancel").await;
    let id = waiting["id"].as_str().unwrap();
    let events = follow(&tenant, id).await.rest().await;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["snapshot", "ended"]);
    let path = format!("/v1/ingestion_jobs/{id}/events");
    let again = tenant.request(Method::GET, &path).header("Last-Event-ID", "2");
    tenant.send(again).await.expect(204);
}

#[tokio::test]
async fn who_follows_a_job_whose_document_is_deleted_is_told_that_it_is_gone() {
    let (app, _) = idle(&[OFTEN]).await;
    let tenant = app.tenant("acme").await;
    let document = upload(&tenant, "a.md", TEXT, 202).await;
    let id = last_version(&app).await.to_string();
    let mut reader = follow(&tenant, &id).await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    tenant.delete(&format!("/v1/documents/{document}")).await.expect(204);
    let events = reader.rest().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((events[0].name.as_str(), &events[0].data["job_id"]), ("gone", &id.into()));
}

#[tokio::test]
async fn whoever_follows_is_sent_away_when_the_process_is_leaving() {
    let (app, _) = idle(&[("PIDIMA_INGESTION_EVENTS_POLL_MS", "60000")]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let id = last_version(&app).await.to_string();
    let mut reader = follow(&tenant, &id).await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    app.app.services.leaving.cancel();
    assert!(reader.rest().await.is_empty());
}

#[tokio::test]
async fn a_stream_lasts_so_long_at_most_and_who_comes_again_is_asked_again() {
    let (app, _) = idle(&[OFTEN, ("PIDIMA_INGESTION_EVENTS_MAX_MS", "100")]).await;
    let tenant = app.tenant("acme").await;
    upload(&tenant, "a.md", TEXT, 202).await;
    let id = last_version(&app).await.to_string();
    for _ in 0..2 {
        let mut reader = follow(&tenant, &id).await;
        assert_eq!(reader.next().await.unwrap().name, "snapshot");
        assert!(reader.rest().await.is_empty(), "it ends, and the job does not");
    }
    assert_eq!(job(&app, &tenant).await["state"], "received");
}

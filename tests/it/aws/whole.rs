//! The whole service on S3 and SQS, and its worker while a poll waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::ExtractiveModel;
use tokio_util::sync::CancellationToken;

use super::proxy::{Act, FaultProxy};
use super::{Queues, StandIn};
use crate::support::{TestApp, eventually};

const TEXT: &str = "# Pump\n\nThe pump of the north hall runs at night from ten until four.\n";

fn pairs<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn keys(bucket: &str) -> Vec<String> {
    let client = StandIn::shared().await.s3();
    let listed = client.list_objects_v2().bucket(bucket).send().await.unwrap();
    listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

async fn place() -> (FaultProxy, String, Queues) {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    (proxy, stand_in.bucket().await, stand_in.queues().await)
}

#[tokio::test]
async fn a_document_is_stored_read_asked_for_and_removed() {
    let (proxy, bucket, queues) = place().await;
    let settings = StandIn::settings(&proxy.url, &bucket, &queues);
    let app = TestApp::start_with(&pairs(&settings), Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("acme").await;
    let document = tenant.learn("pump.md", TEXT).await;
    let stored = keys(&bucket).await;
    assert_eq!(stored.len(), 1);
    assert!(stored[0].starts_with(&format!("t/{}/versions/", tenant.id)), "{stored:?}");
    assert!(!app.objects.exists(), "nothing lies in the folder");
    let answer = tenant.ask("When does the pump of the north hall run?").await;
    assert!(answer.to_string().contains("from ten until four"), "{answer}");
    // The same again changes nothing, and leaves nothing behind.
    tenant.upload("pump.md", TEXT).await.expect(200);
    assert_eq!(keys(&bucket).await, stored);
    tenant.delete(&format!("/v1/documents/{}", document["id"].as_str().unwrap())).await;
    eventually("the original is removed", || async { keys(&bucket).await.is_empty() }).await;
    eventually("the queue is empty", || async {
        app.app.worker.queue.backlog().await.unwrap() == 0
    })
    .await;
    assert_eq!(StandIn::shared().await.dead(&queues).await, [""; 0]);
}

#[tokio::test]
async fn run_until_idle_does_all_work_and_ends() {
    let (proxy, bucket, queues) = place().await;
    let mut settings = StandIn::settings(&proxy.url, &bucket, &queues);
    settings.push(("PIDIMA_QUEUE_SQS_WAIT_SECONDS", "1".to_owned()));
    let embedder = Arc::new(crate::support::minilm().await);
    let models = Arc::new(ExtractiveModel).into();
    let outside = pidima::app::Outside { embedder, models };
    let app = TestApp::start_idle(&pairs(&settings), outside).await;
    let tenant = app.tenant("acme").await;
    let mut documents = Vec::new();
    for number in 0..12 {
        let name = format!("{number}.md");
        let uploaded = tenant.upload(&name, format!("{TEXT}\n{number}")).await.expect(202);
        documents.push(uploaded["id"].as_str().unwrap().to_owned());
    }
    app.app.worker.run_until_idle().await.unwrap();
    for id in documents {
        let document = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
        assert_eq!(document["state"], "ready");
    }
    assert_eq!(app.app.worker.queue.backlog().await.unwrap(), 0);
}

#[tokio::test]
async fn the_outbox_is_handed_over_while_a_poll_waits_and_a_stop_ends_the_poll() {
    let (proxy, bucket, queues) = place().await;
    let mut settings = StandIn::settings(&proxy.url, &bucket, &queues);
    settings.push(("PIDIMA_QUEUE_SQS_WAIT_SECONDS", "20".to_owned()));
    settings.push(("PIDIMA_QUEUE_SQS_TIMEOUT_MS", "60000".to_owned()));
    // No message ever comes: whatever is handed over is so during the first poll.
    proxy.on(|seen| if seen.sqs() == "ReceiveMessage" { Act::Hang } else { Act::Pass });
    let embedder = Arc::new(crate::support::minilm().await);
    let models = Arc::new(ExtractiveModel).into();
    let outside = pidima::app::Outside { embedder, models };
    let app = TestApp::start_idle(&pairs(&settings), outside).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(app.app.worker.clone().run(stop.clone()));
    let polls = || proxy.count(|seen| seen.sqs() == "ReceiveMessage");
    eventually("the worker polls", || async { polls() == 1 }).await;
    let tenant = app.tenant("acme").await;
    tenant.upload("pump.md", TEXT).await.expect(202);
    eventually("the message is in the queue", || async {
        app.app.worker.queue.backlog().await.unwrap() == 1
    })
    .await;
    let line = app.app.services.db.system().await.unwrap().count_outbox().await.unwrap();
    assert_eq!(line, 1, "it stays in the line until its job is done");
    assert_eq!(polls(), 1, "it is still the first poll");
    let asked = Instant::now();
    stop.cancel();
    worker.await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(15), "the poll would have taken 80 seconds");
}

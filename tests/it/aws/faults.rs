//! Services of AWS that are away, refuse or are slow: what is told, how often it is tried, and that nothing is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::ExtractiveModel;
use pidima::adapters::objects::{ObjectError, ObjectKey, Objects, S3Objects};
use pidima::adapters::queue::{Queue, SqsQueue};
use pidima::kernel::ids::{TenantId, new_id};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::proxy::{Act, FaultProxy};
use super::{Queues, StandIn, aws, objects_at, queue_at, s3_settings, sqs_settings, whole};
use crate::support::{TestApp, eventually};

const TEXT: &str = "# A\n\nThe pump runs at night. The valve is shut by day.\n";
/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

fn key() -> ObjectKey {
    ObjectKey::original(TenantId::generate(), new_id())
}

/// The application on S3 and SQS behind a proxy, and its bucket and queues.
async fn app() -> (TestApp, FaultProxy, String, Queues) {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let (bucket, queues) = (stand_in.bucket().await, stand_in.queues().await);
    let settings = StandIn::settings(&proxy.url, &bucket, &queues);
    let pairs: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::start_with(&pairs, Arc::new(ExtractiveModel)).await;
    (app, proxy, bucket, queues)
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told_with_the_remedy() {
    let stand_in = StandIn::shared().await;
    let objects = objects_at(&stand_in.address, "pidima-no-such-bucket");
    let put = objects.put(&key(), b"one".to_vec()).await.unwrap_err();
    let get = objects.get(&key()).await.unwrap_err();
    let check = objects.check().await.unwrap_err();
    for error in [put, get, check] {
        assert!(!matches!(error, ObjectError::Missing(_)), "{error:?}");
        assert!(whole(&error).contains("PIDIMA_OBJECTS_S3_BUCKET"), "{}", whole(&error));
    }
}

#[tokio::test]
async fn queues_that_are_not_there_are_told_with_the_remedy() {
    let stand_in = StandIn::shared().await;
    let queues = stand_in.queues().await;
    for (url, dead_url) in [
        (format!("{}-none", queues.url), queues.dead_url.clone()),
        (queues.url.clone(), format!("{}-none", queues.dead_url)),
    ] {
        let queue = queue_at(&stand_in.address, &Queues { url, dead_url });
        let error = queue.check().await.unwrap_err();
        assert!(whole(&error).contains("PIDIMA_QUEUE_SQS_URL"), "{}", whole(&error));
    }
}

#[tokio::test]
async fn refusals_of_s3_are_told_apart_from_objects_that_are_missing() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let objects = objects_at(&proxy.url, &stand_in.bucket().await);
    for (status, code, told) in [
        (404, "NoSuchBucket", "make the bucket"),
        (404, "", "404"),
        (403, "AccessDenied", "s3:GetObject"),
        (400, "AuthorizationHeaderMalformed", "AWS_REGION"),
        (500, "InternalError", "500"),
    ] {
        proxy.on(move |_| Act::s3(status, code));
        let error = objects.get(&key()).await.unwrap_err();
        assert!(matches!(error, ObjectError::Store { .. }), "{status} {code}: {error:?}");
        assert!(whole(&error).contains(told), "{status} {code}: {}", whole(&error));
    }
    for (status, told) in [(404, "make the bucket"), (403, "s3:ListBucket"), (301, "AWS_REGION")] {
        proxy.on(move |_| Act::Reply(status, "application/xml", Vec::new()));
        let error = objects.check().await.unwrap_err();
        assert!(whole(&error).contains(told), "{status}: {}", whole(&error));
    }
}

#[tokio::test]
async fn s3_is_asked_as_often_and_waited_for_as_long_as_the_settings_say() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let bucket = stand_in.bucket().await;
    for tries in [1, 2, 3] {
        let mut settings = s3_settings(&bucket);
        settings.tries = tries;
        let objects = S3Objects::new(aws(&proxy.url), settings);
        proxy.on(|_| Act::s3(503, "SlowDown"));
        objects.put(&key(), b"one".to_vec()).await.unwrap_err();
        assert_eq!(proxy.take().len(), tries as usize);
    }
    let mut settings = s3_settings(&bucket);
    settings.timeout = Duration::from_millis(200);
    let objects = S3Objects::new(aws(&proxy.url), settings.clone());
    proxy.on(|_| Act::Hang);
    let began = Instant::now();
    let error = objects.get(&key()).await.unwrap_err();
    assert!(whole(&error).contains("in time"), "{}", whole(&error));
    assert_eq!(proxy.take().len(), 2);
    assert!(began.elapsed() >= Duration::from_millis(400), "two tries of 200 ms");
    // A copy, of which S3 tells nothing before it is done, is waited for longer.
    settings.copy_timeout = Duration::from_millis(700);
    let objects = S3Objects::new(aws(&proxy.url), settings.clone());
    let began = Instant::now();
    let error = objects.copy(&key(), &key()).await.unwrap_err();
    assert!(whole(&error).contains("in time"), "{}", whole(&error));
    assert_eq!(proxy.take().len(), 2);
    assert!(began.elapsed() >= Duration::from_millis(1_400), "two tries of 700 ms");
    let nobody = S3Objects::new(aws(NOBODY), settings);
    let error = nobody.put(&key(), b"one".to_vec()).await.unwrap_err();
    assert!(whole(&error).contains("not reached"), "{}", whole(&error));
}

#[tokio::test]
async fn sqs_is_asked_as_often_and_waited_for_as_long_as_the_settings_say() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let queues = stand_in.queues().await;
    for tries in [1, 2] {
        let mut settings = sqs_settings(&queues);
        settings.tries = tries;
        let queue = SqsQueue::new(aws(&proxy.url), settings);
        proxy.on(|_| Act::sqs(500, "InternalError"));
        queue.receive(1, Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(proxy.take().len(), tries as usize);
    }
    let mut settings = sqs_settings(&queues);
    (settings.timeout, settings.tries) = (Duration::from_millis(200), 1);
    let queue = SqsQueue::new(aws(&proxy.url), settings.clone());
    proxy.on(|_| Act::Hang);
    let error = queue.receive(1, Duration::from_secs(60)).await.unwrap_err();
    assert!(whole(&error).contains("in time"), "{}", whole(&error));
    let nobody = SqsQueue::new(aws(NOBODY), settings);
    let error = nobody.backlog().await.unwrap_err();
    assert!(whole(&error).contains("not reached"), "{}", whole(&error));
}

#[tokio::test]
async fn an_upload_while_s3_is_away_is_refused_with_503_and_nothing_is_kept() {
    let (app, proxy, _, _) = app().await;
    let tenant = app.tenant("acme").await;
    proxy.on(
        |seen| {
            if seen.line.starts_with("PUT ") { Act::s3(500, "InternalError") } else { Act::Pass }
        },
    );
    let refused = tenant.upload("a.md", TEXT).await.expect(503);
    assert_eq!(refused["code"], "unavailable");
    assert!(!refused.to_string().contains("InternalError"), "{refused}");
    let listed = tenant.get("/v1/documents").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    proxy.pass();
    tenant.learn("a.md", TEXT).await;
}

#[tokio::test]
async fn an_original_that_no_version_came_of_is_removed_also_when_s3_refuses_that_at_first() {
    let (app, proxy, bucket, _) = app().await;
    let tenant = app.tenant("acme").await;
    proxy.on(|seen| {
        let removes = seen.line.starts_with("DELETE ");
        if removes { Act::s3(500, "InternalError") } else { Act::Pass }
    });
    let file = Part::bytes(TEXT.as_bytes().to_vec()).file_name("a.md");
    let form = Form::new().text("collection_id", new_id().to_string()).part("file", file);
    let request = tenant.request(Method::POST, "/v1/documents").multipart(form);
    tenant.send(request).await.expect(404);
    let client = StandIn::shared().await.s3();
    let count = || async {
        client.list_objects_v2().bucket(&bucket).send().await.unwrap().contents().len()
    };
    assert_eq!(count().await, 1);
    proxy.pass();
    eventually("the original is removed", || async { count().await == 0 }).await;
}

#[tokio::test]
async fn a_document_whose_original_can_not_be_read_is_tried_again_until_it_can() {
    let (app, proxy, _, _) = app().await;
    let tenant = app.tenant("acme").await;
    proxy.on(|seen| {
        let reads = seen.line.starts_with("GET ");
        if reads { Act::s3(500, "InternalError") } else { Act::Pass }
    });
    let uploaded = tenant.upload("a.md", TEXT).await.expect(202);
    let pool = app.database.admin();
    eventually("an attempt fails", || async {
        let codes: Vec<Option<String>> =
            sqlx::query_scalar("select failure_code from app.ingestion_attempts")
                .fetch_all(&pool)
                .await
                .unwrap();
        codes.contains(&Some("object_store_unavailable".to_owned()))
    })
    .await;
    proxy.pass();
    let document = tenant.settled(uploaded["id"].as_str().unwrap()).await;
    assert_eq!(document["state"], "ready", "{document}");
}

#[tokio::test]
async fn while_the_queue_is_away_uploads_are_taken_and_afterwards_nothing_is_lost() {
    let (app, proxy, _, _) = app().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("before.md", TEXT).await;
    proxy.on(|seen| if seen.sqs().is_empty() { Act::Pass } else { Act::sqs(503, "Away") });
    let mut documents = Vec::new();
    for number in 0..3 {
        let name = format!("{number}.md");
        let uploaded = tenant.upload(&name, format!("{TEXT}\n{number}")).await.expect(202);
        documents.push(uploaded["id"].as_str().unwrap().to_owned());
    }
    proxy.take();
    eventually("the relay tried and gave the messages back", || async {
        let mut tx = app.app.services.db.system().await.unwrap();
        proxy.count(|seen| seen.sqs() == "SendMessageBatch") > 0
            && tx.count_outbox().await.unwrap() == 3
    })
    .await;
    for id in &documents {
        let document = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
        assert_eq!(document["state"], "received");
    }
    proxy.pass();
    for id in &documents {
        assert_eq!(tenant.settled(id).await["state"], "ready");
    }
    eventually("the line is empty", || async {
        app.app.services.db.system().await.unwrap().count_outbox().await.unwrap() == 0
    })
    .await;
}

#[tokio::test]
async fn readyz_tells_which_part_is_away_and_still_takes_questions() {
    let (app, proxy, _, _) = app().await;
    let ready = || async {
        let reply = reqwest::get(format!("{}/readyz", app.url)).await.unwrap();
        assert_eq!(reply.status(), 200, "questions are answered all the same");
        reply.json::<serde_json::Value>().await.unwrap()
    };
    proxy.on(|_| Act::Hang);
    let told = ready().await;
    assert_eq!(told["state"], "degraded");
    let parts = told["degraded"].as_array().unwrap();
    let parts: Vec<&str> = parts.iter().map(|part| part.as_str().unwrap()).collect();
    assert!(parts[0].starts_with("objects: ") && parts[1].starts_with("queue: "), "{parts:?}");
    proxy.on(|seen| if seen.sqs().is_empty() { Act::s3(500, "X") } else { Act::Pass });
    eventually("the queue is back", || async {
        let told = ready().await;
        told["degraded"].as_array().unwrap().len() == 1
    })
    .await;
    proxy.pass();
    eventually("all is well again", || async { ready().await["state"] == "ready" }).await;
}

async fn silence_is_over(app: &TestApp) {
    let statement = "update app.outbox set lost_at = now() where handed_at is not null";
    let done = sqlx::query(statement).execute(&app.database.admin()).await.unwrap();
    assert!(done.rows_affected() > 0);
}

fn batches(proxy: &FaultProxy) -> usize {
    proxy.count(|seen| seen.sqs() == "SendMessageBatch")
}

#[tokio::test]
async fn messages_that_wait_in_a_full_queue_are_not_sent_again() {
    let (app, proxy, _, _) = app().await;
    let tenant = app.tenant("acme").await;
    proxy.on(|seen| if seen.sqs() == "ReceiveMessage" { Act::Hang } else { Act::Pass });
    let uploaded = tenant.upload("a.md", TEXT).await.expect(202);
    eventually("it is in the queue", || async { batches(&proxy) == 1 }).await;
    silence_is_over(&app).await;
    eventually("it is trusted again", || async {
        let waits = "select count(*) from app.outbox where lost_at > now()";
        sqlx::query_scalar::<_, i64>(waits).fetch_one(&app.database.admin()).await.unwrap() == 1
    })
    .await;
    assert_eq!(batches(&proxy), 1);
    proxy.pass();
    assert_eq!(tenant.settled(uploaded["id"].as_str().unwrap()).await["state"], "ready");
}

#[tokio::test]
async fn a_role_that_may_not_count_messages_sends_lost_ones_again_all_the_same() {
    let (app, proxy, _, _) = app().await;
    let tenant = app.tenant("acme").await;
    // The first batch is taken and gets lost.
    let lost = std::sync::atomic::AtomicBool::new(false);
    proxy.on(move |seen| match seen.sqs() {
        "GetQueueAttributes" => Act::sqs(403, "AccessDenied"),
        "SendMessageBatch" if !lost.swap(true, std::sync::atomic::Ordering::Relaxed) => {
            let taken =
                serde_json::json!([{ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "x" }]);
            Act::json(200, &serde_json::json!({ "Successful": taken, "Failed": [] }))
        }
        _ => Act::Pass,
    });
    let uploaded = tenant.upload("a.md", TEXT).await.expect(202);
    eventually("it was sent", || async { batches(&proxy) == 1 }).await;
    silence_is_over(&app).await;
    assert_eq!(tenant.settled(uploaded["id"].as_str().unwrap()).await["state"], "ready");
    assert_eq!(batches(&proxy), 2);
}

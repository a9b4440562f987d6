//! What SQS does in addition: batches of which a part is refused, messages that are none, polls that wait, holding that
//! ends.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use pidima::adapters::queue::{Delivery, Message, Queue, QueueError, Receipt, SqsQueue};
use pidima::kernel::ids::{TenantId, new_id};
use serde_json::{Value, json};

use super::proxy::{Act, FaultProxy};
use super::{Queues, StandIn, aws, queue_at, sqs_settings, whole};

const LONG: Duration = Duration::from_secs(600);

async fn through_a_proxy() -> (FaultProxy, SqsQueue, Queues) {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let queues = stand_in.queues().await;
    let queue = queue_at(&proxy.url, &queues);
    (proxy, queue, queues)
}

fn messages(count: usize) -> Vec<Message> {
    let message = || Message {
        message_id: new_id(),
        kind: "ingest_version".to_owned(),
        tenant: TenantId::generate(),
        subject_id: new_id(),
    };
    std::iter::repeat_with(message).take(count).collect()
}

/// Takes the whole batch but for some of its messages.
fn refusing(refused: &[&str], code: &str, is_theirs: bool) -> impl Fn(&Value) -> Value {
    move |body| {
        let (failed, taken): (Vec<Value>, Vec<Value>) =
            body["Entries"].as_array().unwrap().iter().cloned().partition(|entry| {
                let message: Value =
                    serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap();
                refused.contains(&message["message_id"].as_str().unwrap())
            });
        let taken: Vec<Value> = taken
            .iter()
            .map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "x" }))
            .collect();
        let failed: Vec<Value> = failed
            .iter()
            .map(|entry| json!({ "Id": entry["Id"], "Code": code, "SenderFault": is_theirs }))
            .collect();
        json!({ "Successful": taken, "Failed": failed })
    }
}

/// How many messages each batch held that came by.
fn batches(proxy: &FaultProxy) -> Vec<usize> {
    let seen = proxy.take();
    let sent = seen.iter().filter(|seen| seen.sqs() == "SendMessageBatch");
    sent.map(|seen| seen.json()["Entries"].as_array().unwrap().len()).collect()
}

#[tokio::test]
async fn ten_messages_go_in_one_request() {
    let (proxy, queue, _) = through_a_proxy().await;
    for (count, expected) in
        [(9, vec![9]), (10, vec![10]), (11, vec![10, 1]), (25, vec![10, 10, 5])]
    {
        queue.send(&messages(count)).await.unwrap();
        assert_eq!(batches(&proxy), expected);
    }
}

#[tokio::test]
async fn messages_of_a_batch_that_are_refused_are_sent_again_and_only_they() {
    let (proxy, queue, _) = through_a_proxy().await;
    let sent = messages(12);
    let third = sent[2].message_id.to_string();
    let refused = std::sync::atomic::AtomicBool::new(false);
    proxy.on(move |seen| {
        let first = !refused.swap(true, std::sync::atomic::Ordering::Relaxed);
        let some: &[&str] = if first { &[&third] } else { &[] };
        Act::json(200, &refusing(some, "InternalError", false)(&seen.json()))
    });
    queue.send(&sent).await.unwrap();
    assert_eq!(batches(&proxy), [10, 1, 2]);
}

#[tokio::test]
async fn messages_that_are_never_taken_are_named_and_the_others_are_queued() {
    let (proxy, queue, _) = through_a_proxy().await;
    for (is_theirs, tries) in [(false, vec![10, 2, 2, 2]), (true, vec![10, 2])] {
        let sent = messages(12);
        let bad = [sent[4].message_id, sent[7].message_id];
        let names = bad.map(|id| id.to_string());
        proxy.on(move |seen| {
            let some = [names[0].as_str(), names[1].as_str()];
            Act::json(200, &refusing(&some, "Refused", is_theirs)(&seen.json()))
        });
        let error = queue.send(&sent).await.unwrap_err();
        let QueueError::Partly { ref failed, .. } = error else { panic!("{error:?}") };
        assert_eq!(failed, &bad);
        assert!(whole(&error).contains("Refused"), "{}", whole(&error));
        assert_eq!(batches(&proxy), tries);
    }
}

#[tokio::test]
async fn when_the_queue_goes_away_in_the_middle_the_rest_is_named() {
    let (proxy, queue, _) = through_a_proxy().await;
    let sent = messages(25);
    let second: BTreeSet<String> =
        sent[10..20].iter().map(|message| message.message_id.to_string()).collect();
    proxy.on(move |seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        let is_second = second.iter().any(|id| body.contains(id));
        if is_second { Act::sqs(500, "InternalError") } else { Act::Pass }
    });
    let error = queue.send(&sent).await.unwrap_err();
    let QueueError::Partly { failed, .. } = error else { panic!("{error:?}") };
    let rest: Vec<_> = sent[10..].iter().map(|message| message.message_id).collect();
    assert_eq!(failed, rest);
    assert_eq!(batches(&proxy), [10, 10, 10, 10], "three tries, and none for those behind");
    proxy.on(|_| Act::sqs(500, "InternalError"));
    let error = queue.send(&sent).await.unwrap_err();
    assert!(matches!(error, QueueError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_no_message_is_set_aside_and_the_next_ones_come() {
    let stand_in = StandIn::shared().await;
    let queues = stand_in.queues().await;
    let queue = queue_at(&stand_in.address, &queues);
    let good = messages(1);
    let long = format!("{{\"message_id\":\"{}\"}}", "x".repeat(200_000));
    let more = json!({
        "message_id": new_id(), "kind": "ingest_version", "tenant_id": new_id(),
        "subject_id": new_id(), "text": "more",
    })
    .to_string();
    let bad = ["hello", "{}", "null", "\u{1F980}", &long, &more];
    for body in bad {
        let request = stand_in.sqs().send_message().queue_url(&queues.url).message_body(body);
        request.send().await.unwrap();
    }
    queue.send(&good).await.unwrap();
    let taken = queue.receive(1, LONG).await.unwrap();
    let taken: Vec<&Message> = taken.iter().map(|delivery| &delivery.message).collect();
    assert_eq!(taken, [&good[0]]);
    assert!(queue.receive(10, LONG).await.unwrap().is_empty());
    assert_eq!(queue.backlog().await.unwrap(), 1, "the good one, in hand");
    let dead: BTreeSet<String> = stand_in.dead(&queues).await.into_iter().collect();
    assert_eq!(dead, bad.into_iter().map(str::to_owned).collect());
}

#[tokio::test]
async fn what_can_not_be_set_aside_waits_and_is_not_lost() {
    let (proxy, queue, queues) = through_a_proxy().await;
    let stand_in = StandIn::shared().await;
    let request = stand_in.sqs().send_message().queue_url(&queues.url).message_body("hello");
    request.send().await.unwrap();
    proxy.on(
        |seen| {
            if seen.sqs() == "SendMessage" { Act::sqs(500, "InternalError") } else { Act::Pass }
        },
    );
    assert!(queue.receive(10, LONG).await.unwrap().is_empty());
    assert_eq!(proxy.count(|seen| seen.sqs() == "DeleteMessage"), 0);
    assert_eq!(queue.backlog().await.unwrap(), 1);
}

#[tokio::test]
async fn a_poll_that_waits_brings_what_is_sent_meanwhile() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let queues = stand_in.queues().await;
    let mut settings = sqs_settings(&queues);
    // A try may take less time than the wait: the wait comes in addition.
    settings.wait_seconds = 20;
    settings.timeout = Duration::from_secs(10);
    let waiting = SqsQueue::new(aws(&proxy.url), settings);
    let poll = tokio::spawn(async move { waiting.receive(1, LONG).await.unwrap() });
    crate::support::eventually("the poll is on its way", || async {
        proxy.count(|seen| seen.sqs() == "ReceiveMessage") == 1
    })
    .await;
    assert!(!poll.is_finished(), "it waits");
    let sent = messages(1);
    queue_at(&stand_in.address, &queues).send(&sent).await.unwrap();
    assert_eq!(poll.await.unwrap()[0].message, sent[0]);
    let [asked] = &proxy.take()[..] else { panic!("one request") };
    assert_eq!(asked.json()["WaitTimeSeconds"], 20);
}

#[tokio::test]
async fn after_twelve_hours_a_message_is_held_no_longer_and_nobody_is_asked() {
    let (proxy, queue, _) = through_a_proxy().await;
    let held = |hours: i64, minutes: i64| Delivery {
        message: messages(1).remove(0),
        receipt: Receipt::new("receipt"),
        receives: 1,
        received_at: Utc::now() - TimeDelta::hours(hours) - TimeDelta::minutes(minutes),
    };
    proxy.on(|_| Act::json(200, &json!({})));
    assert!(queue.extend(&held(11, 0), LONG).await.unwrap());
    assert_eq!(proxy.take()[0].json()["VisibilityTimeout"], 600);
    assert!(queue.extend(&held(11, 55), LONG).await.unwrap());
    let asked = proxy.take()[0].json()["VisibilityTimeout"].as_i64().unwrap();
    assert!((295..=300).contains(&asked), "{asked}: what is left");
    assert!(!queue.extend(&held(12, 0), LONG).await.unwrap());
    assert!(proxy.take().is_empty());
}

#[tokio::test]
async fn each_word_for_a_lost_receipt_is_understood_and_a_fault_is_none() {
    let (proxy, queue, _) = through_a_proxy().await;
    queue.send(&messages(1)).await.unwrap();
    let held = queue.receive(1, LONG).await.unwrap().remove(0);
    for code in [
        "com.amazonaws.sqs#MessageNotInflight",
        "com.amazonaws.sqs#ReceiptHandleIsInvalid",
        "InvalidParameterValue",
    ] {
        proxy.on(move |_| Act::sqs(400, code));
        assert!(!queue.extend(&held, LONG).await.unwrap(), "{code}");
        queue.delete(&held).await.unwrap();
    }
    for (status, code) in [(500, "InternalError"), (403, "AccessDeniedException")] {
        proxy.on(move |_| Act::sqs(status, code));
        let error = queue.extend(&held, LONG).await.unwrap_err();
        assert!(whole(&error).contains(code), "{error:?}");
        queue.delete(&held).await.unwrap_err();
    }
}

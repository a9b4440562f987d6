//! What is sent, when, and to whom.

use chrono::Utc;
use pidima::webhooks::DeliveryOutcome;
use serde_json::json;

use super::{app, deliveries, ended, is_signed, show, try_out, webhook};
use crate::support::eventually;
use crate::webhooks::receiver::Receiver;

const TEXT: &str = "# Secret heading\n\nThe pump runs at night.\n";

#[tokio::test]
async fn a_document_that_is_ready_is_told_with_ids_and_a_signature_that_verifies() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, secret) = webhook(&tenant, &receiver.url()).await;
    let document = tenant.learn("plan.md", TEXT).await;
    let message = receiver.wait(1).await.remove(0);
    assert_eq!(message.line, "POST /hook?of=pidima HTTP/1.1");
    assert_eq!(message.header("content-type"), "application/json");
    assert_eq!(message.header("host"), format!("127.0.0.1:{}", receiver.port));
    assert!(is_signed(&message, &secret), "{message:?}");
    let mut other = message.clone();
    other.body.push(' ');
    assert!(!is_signed(&other, &secret));
    let sent: i64 = message.header("webhook-timestamp").parse().unwrap();
    assert!((Utc::now().timestamp() - sent).abs() < 300);
    let told = message.json();
    assert_eq!(told["type"], "document.ready");
    assert!(told["timestamp"].as_str().unwrap().parse::<chrono::DateTime<Utc>>().is_ok());
    let data = &told["data"];
    assert_eq!(data["document_id"], document["id"]);
    assert_eq!(data["collection_id"], document["collection_id"]);
    assert_eq!((&data["state"], &data["version_number"]), (&json!("ready"), &json!(1)));
    for word in ["heading", "pump", "plan"] {
        assert!(!message.body.contains(word), "{}", message.body);
    }
    let all = deliveries(&tenant, &id).await;
    let delivery = ended(&tenant, &id, &all[0]).await;
    assert_eq!(delivery["id"], message.header("webhook-id"));
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    assert_eq!(delivery["last_status"], 204);
    assert!(delivery.get("failure").is_none() && delivery["ended_at"].is_string());
    // The same bytes are no new version, and nothing happened.
    tenant.upload("plan.md", TEXT).await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn a_document_that_failed_is_told_with_its_code_and_only_to_who_wants_to_know() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let body = json!({ "url": receiver.url(), "events": ["document.failed", "document.failed"] });
    let made = tenant.post("/v1/webhooks", &body).await.expect(201);
    assert_eq!(made["webhook"]["events"], json!(["document.failed"]));
    tenant.learn("good.md", TEXT).await;
    let uploaded = tenant.upload("bad.pdf", "%PDF-1.7 and nothing more").await.expect(202);
    let document = tenant.settled(uploaded["id"].as_str().unwrap()).await;
    assert_eq!(document["state"], "failed");
    let message = receiver.wait(1).await.remove(0);
    let told = message.json();
    assert_eq!(told["type"], "document.failed");
    assert_eq!(told["data"]["document_id"], document["id"]);
    let code = told["data"]["failure_code"].as_str().unwrap();
    assert_eq!(document["failure"]["code"], code);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn each_tenant_is_told_of_its_own_documents_by_its_own_secret() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let (one, two) = (app.tenant("one").await, app.tenant("two").await);
    let (_, secret_of_one) = webhook(&one, &receiver.url()).await;
    let (id_of_two, secret_of_two) = webhook(&two, &receiver.url()).await;
    assert_ne!(secret_of_one, secret_of_two);
    let document = one.learn("a.md", TEXT).await;
    let message = receiver.wait(1).await.remove(0);
    assert!(is_signed(&message, &secret_of_one) && !is_signed(&message, &secret_of_two));
    assert_eq!(message.json()["data"]["document_id"], document["id"]);
    assert!(deliveries(&two, &id_of_two).await.is_empty());
    for path in ["", "/deliveries"] {
        assert_eq!(one.get(&format!("/v1/webhooks/{id_of_two}{path}")).await.status, 404);
    }
    let list = one.get("/v1/webhooks").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn for_the_overlap_of_a_rotation_both_secrets_sign_and_then_the_new_one_alone() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, first) = webhook(&tenant, &receiver.url()).await;
    let rotate = format!("/v1/webhooks/{id}/rotate");
    let overlap = json!({ "overlap_seconds": 604_800 });
    let made = tenant.post(&rotate, &overlap).await.expect(201);
    assert!(made["webhook"]["previous_secret_until"].is_string());
    let second = made["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    try_out(&tenant, &id).await;
    let message = receiver.wait(1).await.remove(0);
    assert_eq!(message.json()["type"], "webhook.test");
    assert!(is_signed(&message, &first) && is_signed(&message, &second));
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    let made = tenant.post(&rotate, &json!({ "overlap_seconds": 0 })).await.expect(201);
    assert!(made["webhook"].get("previous_secret_until").is_none());
    let third = made["secret"].as_str().unwrap().to_owned();
    try_out(&tenant, &id).await;
    let message = receiver.wait(2).await.remove(1);
    assert!(is_signed(&message, &third));
    assert!(!is_signed(&message, &second) && !is_signed(&message, &first));
    // An overlap that is over.
    tenant.post(&rotate, &overlap).await.expect(201);
    sqlx::query("update app.webhook_endpoints set previous_secret_until = now()")
        .execute(&app.database.admin())
        .await
        .unwrap();
    try_out(&tenant, &id).await;
    let message = receiver.wait(3).await.remove(2);
    assert!(!is_signed(&message, &third));
    assert!(show(&tenant, &id).await.get("previous_secret_until").is_none());
    assert_eq!(tenant.post(&rotate, &json!({ "overlap_seconds": 604_801 })).await.status, 422);
}

#[tokio::test]
async fn a_delivery_that_is_over_is_sent_once_more_under_the_same_id() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, secret) = webhook(&tenant, &receiver.url()).await;
    let delivery = try_out(&tenant, &id).await;
    ended(&tenant, &id, &delivery).await;
    let path =
        format!("/v1/webhooks/{id}/deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
    let again = tenant.post(&path, &serde_json::Value::Null).await.expect(202);
    assert_eq!((&again["id"], &again["state"]), (&delivery["id"], &json!("pending")));
    let messages = receiver.wait(2).await;
    assert_eq!(messages[0].header("webhook-id"), messages[1].header("webhook-id"));
    assert_eq!(messages[0].body, messages[1].body);
    assert!(is_signed(&messages[1], &secret));
    let delivery = ended(&tenant, &id, &delivery).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(2)));
    // A delivery of another webhook is none of this one.
    let (other, _) = webhook(&tenant, &receiver.url()).await;
    let wrong = path.replace(&id, &other);
    assert_eq!(tenant.post(&wrong, &serde_json::Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_message_that_comes_several_times_and_at_once_is_sent_once() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    let delivery = try_out(&tenant, &id).await;
    let delivery_id = delivery["id"].as_str().unwrap().parse().unwrap();
    let webhooks = &app.app.worker.webhooks;
    let job = || webhooks.deliver(tenant.id, delivery_id);
    let (one, two, three) = tokio::join!(job(), job(), job());
    for outcome in [one, two, three] {
        assert!(matches!(outcome.unwrap(), DeliveryOutcome::Done | DeliveryOutcome::Later(_)));
    }
    ended(&tenant, &id, &delivery).await;
    for _ in 0..3 {
        assert_eq!(job().await.unwrap(), DeliveryOutcome::Done);
    }
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn while_a_receiver_is_silent_and_others_are_waited_for_documents_go_on() {
    let receiver = Receiver::start().await;
    let hours = [
        ("PIDIMA_WEBHOOK_RETRY_MS", "3600000"),
        ("PIDIMA_INGESTION_CONCURRENCY", "1"),
        ("PIDIMA_QUEUE_WINDOW", "2"),
        ("PIDIMA_QUEUE_MAX_IN_HAND", "2"),
    ];
    let app = app(&receiver, &hours).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[500, 500, 500, 0]);
    for count in 1..=3 {
        try_out(&tenant, &id).await;
        receiver.wait(count).await;
    }
    eventually("all three wait", || async {
        deliveries(&tenant, &id).await.iter().all(|it| it["next_attempt_at"].is_string())
    })
    .await;
    try_out(&tenant, &id).await;
    receiver.wait(4).await;
    // Four deliveries are on their way, one of them in hand, and there is room for two messages.
    tenant.learn("a.md", TEXT).await;
    let states: Vec<_> =
        deliveries(&tenant, &id).await.iter().map(|it| it["state"].clone()).collect();
    assert!(states.iter().filter(|state| *state == "pending").count() >= 3, "{states:?}");
}

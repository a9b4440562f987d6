//! What is not taken is tried again, given up at last, and an endpoint that takes nothing is switched off.

use pidima::worker::reconcile_deliveries;
use serde_json::{Value, json};

use super::{app, deliveries, ended, is_signed, show, try_out, webhook};
use crate::support::{TestApp, eventually};
use crate::webhooks::receiver::Receiver;

async fn audited(app: &TestApp, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from app.audit_events where action = $1")
        .bind(action)
        .fetch_one(&app.database.admin())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_not_taken_comes_again_until_it_is() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, secret) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[500, 302, 429, 404, 200]);
    let delivery = try_out(&tenant, &id).await;
    let delivery = ended(&tenant, &id, &delivery).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(5)));
    assert_eq!(delivery["last_status"], 200);
    assert!(delivery.get("failure").is_none());
    let messages = receiver.all();
    assert_eq!(messages.len(), 5);
    for message in &messages {
        assert_eq!(message.line, "POST /hook?of=pidima HTTP/1.1", "no redirect is followed");
        assert_eq!(message.header("webhook-id"), delivery["id"]);
        assert_eq!(message.body, messages[0].body);
        assert!(is_signed(message, &secret));
    }
    assert_eq!(show(&tenant, &id).await["failures"], 0);
}

#[tokio::test]
async fn waits_grow_fourfold_up_to_the_longest_and_the_reason_is_shown() {
    let receiver = Receiver::start().await;
    let settings =
        [("PIDIMA_WEBHOOK_RETRY_MS", "600000"), ("PIDIMA_WEBHOOK_MAX_RETRY_MS", "3000000")];
    let app = app(&receiver, &settings).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[503, 503, 503]);
    try_out(&tenant, &id).await;
    for (attempts, wait) in [(1, 600), (2, 2_400), (3, 3_000)] {
        eventually("an attempt failed", || async {
            let delivery = deliveries(&tenant, &id).await.remove(0);
            delivery["attempts"] == attempts && delivery["next_attempt_at"].is_string()
        })
        .await;
        let delivery = deliveries(&tenant, &id).await.remove(0);
        assert_eq!(delivery["state"], "pending");
        assert_eq!(delivery["last_status"], 503);
        assert_eq!(delivery["failure"]["code"], "http_status");
        let next: chrono::DateTime<chrono::Utc> =
            delivery["next_attempt_at"].as_str().unwrap().parse().unwrap();
        let left = (next - chrono::Utc::now()).num_seconds();
        assert!((wait - 30..=wait * 11 / 10).contains(&left), "{attempts}: {left}");
        hurry(&app).await;
    }
    let delivery = ended(&tenant, &id, &deliveries(&tenant, &id).await[0]).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(4)));
}

/// Makes everything due, once the message is in the line again.
async fn hurry(app: &TestApp) {
    let admin = app.database.admin();
    eventually("the message waits", || async {
        let due = "update app.outbox set due_at = now() where handed_at is null and due_at > now()";
        let delivery =
            "update app.webhook_deliveries set next_attempt_at = now() where state = 'pending'";
        sqlx::query(delivery).execute(&admin).await.unwrap();
        sqlx::query(due).execute(&admin).await.unwrap().rows_affected() == 1
    })
    .await;
}

#[tokio::test]
async fn after_so_many_deliveries_in_a_row_that_were_given_up_a_webhook_is_off_until_it_is_enabled()
{
    let receiver = Receiver::start().await;
    let settings = [("PIDIMA_WEBHOOK_MAX_ATTEMPTS", "2"), ("PIDIMA_WEBHOOK_MAX_FAILURES", "2")];
    let app = app(&receiver, &settings).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    let fail = || async {
        receiver.answer(&[500, 500]);
        let delivery = try_out(&tenant, &id).await;
        ended(&tenant, &id, &delivery).await
    };
    let given_up = fail().await;
    assert_eq!((&given_up["state"], &given_up["attempts"]), (&json!("failed"), &json!(2)));
    assert_eq!(given_up["failure"]["code"], "http_status");
    // One below; and what is taken begins the count anew.
    let shown = show(&tenant, &id).await;
    assert_eq!((&shown["state"], &shown["failures"]), (&json!("enabled"), &json!(1)));
    let taken = try_out(&tenant, &id).await;
    assert_eq!(ended(&tenant, &id, &taken).await["state"], "delivered");
    assert_eq!(show(&tenant, &id).await["failures"], 0);
    fail().await;
    fail().await;
    let shown = show(&tenant, &id).await;
    assert_eq!((&shown["state"], &shown["failures"]), (&json!("disabled"), &json!(2)));
    assert_eq!(shown["disabled_reason"], "failures");
    assert_eq!(audited(&app, "webhook.disabled").await, 1);
    let before = receiver.all().len();
    let test = format!("/v1/webhooks/{id}/test");
    crate::api::problem(&tenant.post(&test, &Value::Null).await, 409, "conflict");
    let redeliver =
        format!("/v1/webhooks/{id}/deliveries/{}/redeliver", given_up["id"].as_str().unwrap());
    crate::api::problem(&tenant.post(&redeliver, &Value::Null).await, 409, "conflict");
    tenant.learn("a.md", "Nobody is told of the pump.").await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(receiver.all().len(), before);
    let path = format!("/v1/webhooks/{id}");
    let shown = tenant.patch(&path, &json!({ "enabled": true })).await.expect(200);
    assert_eq!((&shown["state"], &shown["failures"]), (&json!("enabled"), &json!(0)));
    assert!(shown.get("disabled_reason").is_none());
    tenant.post(&redeliver, &Value::Null).await.expect(202);
    assert_eq!(ended(&tenant, &id, &given_up).await["state"], "delivered");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_believed_and_what_waits_for_it_is_given_up() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[("PIDIMA_WEBHOOK_RETRY_MS", "3600000")]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[500]);
    let waiting = try_out(&tenant, &id).await;
    receiver.wait(1).await;
    receiver.answer(&[410]);
    let gone = try_out(&tenant, &id).await;
    let gone = ended(&tenant, &id, &gone).await;
    assert_eq!((&gone["state"], &gone["last_status"]), (&json!("failed"), &json!(410)));
    assert_eq!(show(&tenant, &id).await["disabled_reason"], "gone");
    let waiting = ended(&tenant, &id, &waiting).await;
    assert_eq!(waiting["failure"]["code"], "webhook_disabled");
}

#[tokio::test]
async fn somebody_who_disables_a_webhook_ends_what_waits_for_it() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[("PIDIMA_WEBHOOK_RETRY_MS", "3600000")]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[500]);
    let waiting = try_out(&tenant, &id).await;
    eventually("it waits", || async {
        deliveries(&tenant, &id).await[0]["next_attempt_at"].is_string()
    })
    .await;
    let path = format!("/v1/webhooks/{id}");
    let shown = tenant.patch(&path, &json!({ "enabled": false })).await.expect(200);
    assert_eq!(shown["disabled_reason"], "requested");
    let waiting = ended(&tenant, &id, &waiting).await;
    assert_eq!(waiting["failure"]["code"], "webhook_disabled");
    tenant.delete(&path).await.expect(204);
    assert_eq!(tenant.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_delivered() {
    let receiver = Receiver::start().await;
    // Nothing is allowed: loopback is inside.
    let port = receiver.port.to_string();
    let settings = [
        ("PIDIMA_OUTBOUND_HTTP", "true"),
        ("PIDIMA_OUTBOUND_PORTS", port.as_str()),
        ("PIDIMA_WEBHOOK_RETRY_MS", "1"),
        ("PIDIMA_WEBHOOK_MAX_ATTEMPTS", "2"),
    ];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("acme").await;
    for url in
        [receiver.url(), format!("http://[::1]:{port}/"), format!("http://2130706433:{port}/")]
    {
        let body = json!({ "url": url, "events": ["document.ready"] });
        let reply = tenant.post("/v1/webhooks", &body).await;
        let refused = crate::api::problem(&reply, 422, "validation_failed");
        assert!(refused.to_string().contains("/url"), "{refused}");
    }
    let (id, _) = webhook(&tenant, &format!("http://localhost:{port}/")).await;
    let delivery = try_out(&tenant, &id).await;
    let delivery = ended(&tenant, &id, &delivery).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("failed"), &json!(2)));
    assert_eq!(delivery["failure"]["code"], "address_refused");
    // An address that passed once and does so no longer.
    sqlx::query("update app.webhook_endpoints set url = $1")
        .bind(receiver.url())
        .execute(&app.database.admin())
        .await
        .unwrap();
    let delivery = try_out(&tenant, &id).await;
    let delivery = ended(&tenant, &id, &delivery).await;
    assert_eq!(delivery["failure"]["code"], "address_refused");
    assert!(receiver.all().is_empty());
}

#[tokio::test]
async fn several_deliveries_that_switch_a_webhook_off_at_once_do_not_wait_for_each_other() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.hold();
    receiver.answer(&[410, 410, 410, 410]);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(try_out(&tenant, &id).await);
    }
    receiver.wait(4).await;
    receiver.open();
    for delivery in &told {
        // Whoever was chosen to give way would keep its lease for minutes.
        let delivery = ended(&tenant, &id, delivery).await;
        assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("failed"), &json!(1)));
    }
    assert_eq!(show(&tenant, &id).await["disabled_reason"], "gone");
    assert_eq!(audited(&app, "webhook.disabled").await, 1);
}

#[tokio::test]
async fn a_delivery_whose_message_is_lost_is_sent_all_the_same() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[("PIDIMA_WEBHOOK_RETRY_MS", "3600000")]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[500]);
    let waiting = try_out(&tenant, &id).await;
    eventually("it waits", || async {
        deliveries(&tenant, &id).await[0]["next_attempt_at"].is_string()
    })
    .await;
    let (db, none) = (&app.app.services.db, std::time::Duration::ZERO);
    hurry(&app).await;
    let delivery = ended(&tenant, &id, &waiting).await;
    assert_eq!(delivery["state"], "delivered");
    // The next one loses its message while it waits.
    receiver.answer(&[500]);
    let waiting = try_out(&tenant, &id).await;
    eventually("it waits", || async {
        deliveries(&tenant, &id).await[0]["next_attempt_at"].is_string()
    })
    .await;
    let admin = app.database.admin();
    eventually("its message is in the line", || async {
        let lose = "delete from app.outbox where kind = 'deliver_webhook' and handed_at is null";
        sqlx::query(lose).execute(&admin).await.unwrap().rows_affected() == 1
    })
    .await;
    assert_eq!(reconcile_deliveries(db, none).await.unwrap(), 0, "it is not due");
    let due = "update app.webhook_deliveries set next_attempt_at = now() where state = 'pending'";
    sqlx::query(due).execute(&admin).await.unwrap();
    assert_eq!(reconcile_deliveries(db, none).await.unwrap(), 1);
    assert_eq!(ended(&tenant, &id, &waiting).await["state"], "delivered");
}

//! Each limit at its value, below and above.

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::ExtractiveModel;
use pidima::worker::sweep_deliveries;
use serde_json::{Value, json};

use super::{app, deliveries, ended, try_out, webhook};
use crate::api::problem;
use crate::support::{TestApp, eventually};
use crate::webhooks::receiver::Receiver;

#[tokio::test]
async fn a_tenant_has_as_many_webhooks_as_the_limit_and_not_one_more() {
    let app = TestApp::start_with(&[("PIDIMA_MAX_WEBHOOKS", "2")], Arc::new(ExtractiveModel)).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let url = "https://hooks.example.com/";
    let (first, _) = webhook(&tenant, url).await;
    webhook(&tenant, url).await;
    let body = json!({ "url": url, "events": ["document.ready"] });
    problem(&tenant.post("/v1/webhooks", &body).await, 409, "conflict");
    webhook(&other, url).await;
    tenant.delete(&format!("/v1/webhooks/{first}")).await.expect(204);
    // Of many at once one finds the place that is left.
    let tries = (0..6).map(|_| tenant.post("/v1/webhooks", &body));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
}

#[tokio::test]
async fn an_address_is_as_long_as_the_limit_and_no_longer() {
    let settings = [("PIDIMA_WEBHOOK_MAX_URL_BYTES", "64")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("acme").await;
    let body = |length: usize| {
        let url = "https://hooks.example.com/";
        let path = "p".repeat(length - url.len());
        json!({ "url": format!("{url}{path}"), "events": ["document.ready"] })
    };
    for length in [63, 64] {
        tenant.post("/v1/webhooks", &body(length)).await.expect(201);
    }
    let made = tenant.post("/v1/webhooks", &body(64)).await.expect(201);
    problem(&tenant.post("/v1/webhooks", &body(65)).await, 422, "validation_failed");
    let path = format!("/v1/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
    let longer = json!({ "url": body(65)["url"] });
    problem(&tenant.patch(&path, &longer).await, 422, "validation_failed");
    // What counts is the address as it is understood.
    let understood = json!({ "url": format!("https://hooks.example.com/{}", "ä".repeat(20)), "events": ["document.ready"] });
    problem(&tenant.post("/v1/webhooks", &understood).await, 422, "validation_failed");
    for events in [json!([]), json!(["document.read"]), Value::Null] {
        let body = json!({ "url": "https://hooks.example.com/", "events": events });
        assert_eq!(tenant.post("/v1/webhooks", &body).await.status, 422);
    }
}

#[tokio::test]
async fn attempts_are_as_many_as_the_limit() {
    for (limit, answers, state) in [("3", 2, "delivered"), ("3", 3, "failed"), ("1", 1, "failed")] {
        let receiver = Receiver::start().await;
        let app = app(&receiver, &[("PIDIMA_WEBHOOK_MAX_ATTEMPTS", limit)]).await;
        let tenant = app.tenant("acme").await;
        let (id, _) = webhook(&tenant, &receiver.url()).await;
        receiver.answer(&vec![500; answers]);
        let delivery = try_out(&tenant, &id).await;
        assert_eq!(ended(&tenant, &id, &delivery).await["state"], state, "{limit} {answers}");
        assert_eq!(receiver.all().len().to_string(), limit);
    }
}

#[tokio::test]
async fn who_does_not_answer_in_time_has_not_taken_it() {
    let receiver = Receiver::start().await;
    let settings = [("PIDIMA_OUTBOUND_TIMEOUT_MS", "300"), ("PIDIMA_WEBHOOK_MAX_ATTEMPTS", "1")];
    let app = app(&receiver, &settings).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.answer(&[0]);
    let delivery = try_out(&tenant, &id).await;
    let delivery = ended(&tenant, &id, &delivery).await;
    assert_eq!(delivery["failure"]["code"], "timeout");
    assert!(delivery.get("last_status").is_none());
}

#[tokio::test]
async fn deliveries_are_kept_for_their_time_and_those_on_their_way_for_ever() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[("PIDIMA_WEBHOOK_RETRY_MS", "3600000")]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    for _ in 0..2 {
        let delivery = try_out(&tenant, &id).await;
        ended(&tenant, &id, &delivery).await;
    }
    receiver.answer(&[500]);
    let waiting = try_out(&tenant, &id).await;
    let admin = app.database.admin();
    let age = "update app.webhook_deliveries set ended_at = now() - interval '1 hour'
        where delivery_id = (
            select delivery_id from app.webhook_deliveries order by delivery_id limit 1
        )";
    sqlx::query(age).execute(&admin).await.unwrap();
    let db = &app.app.services.db;
    assert_eq!(sweep_deliveries(db, Duration::from_secs(3_700)).await.unwrap(), 0);
    assert_eq!(sweep_deliveries(db, Duration::from_secs(3_500)).await.unwrap(), 1);
    let left = deliveries(&tenant, &id).await;
    assert_eq!(left.len(), 2);
    assert_eq!(left[0]["id"], waiting["id"]);
}

#[tokio::test]
async fn a_silent_receiver_holds_as_many_messages_as_the_tenant_has_places_and_no_document() {
    let receiver = Receiver::start().await;
    let app = app(&receiver, &[("PIDIMA_WEBHOOK_CONCURRENCY", "6")]).await;
    let tenant = app.tenant("acme").await;
    let (id, _) = webhook(&tenant, &receiver.url()).await;
    receiver.hold();
    for _ in 0..40 {
        try_out(&tenant, &id).await;
    }
    receiver.wait(3).await;
    let admin = app.database.admin();
    let handed =
        "select count(*) from app.outbox where kind = 'deliver_webhook' and handed_at is not null";
    eventually("those without a place wait in the line", || async {
        sqlx::query_scalar::<_, i64>(handed).fetch_one(&admin).await.unwrap() == 3
    })
    .await;
    tenant.learn("a.md", "A document comes through in the meantime.").await;
    assert_eq!(receiver.all().len(), 3);
    receiver.open();
    // Those, and the document that became ready.
    receiver.wait(41).await;
}

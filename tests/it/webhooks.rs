//! Webhooks: what happened is told, signed, again and again until it is taken or given up, and to the right ones alone.

mod delivering;
mod failing;
mod limits;
mod managing;
mod receiver;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pidima::adapters::models::ExtractiveModel;
use pidima::db::Few;
use pidima::webhooks::DELIVER_WEBHOOK;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

use self::receiver::{Received, Receiver};
use crate::support::{TestApp, TestTenant, eventually};

/// As the relay hands them over.
pub const FEW: Few = Few { kind: DELIVER_WEBHOOK, most: 4 };

/// An application that may send to a receiver of the test, with more settings.
async fn app(receiver: &Receiver, settings: &[(&str, &str)]) -> TestApp {
    let port = receiver.port.to_string();
    let base = [
        ("PIDIMA_OUTBOUND_ALLOW", "127.0.0.0/8"),
        ("PIDIMA_OUTBOUND_HTTP", "true"),
        ("PIDIMA_OUTBOUND_PORTS", port.as_str()),
        ("PIDIMA_WEBHOOK_MAX_ATTEMPTS", "5"),
        ("PIDIMA_WEBHOOK_RETRY_MS", "1"),
    ];
    TestApp::start_with(&[&base[..], settings].concat(), Arc::new(ExtractiveModel)).await
}

/// A webhook that is told of everything; its id and its secret.
async fn webhook(tenant: &TestTenant, url: &str) -> (String, String) {
    let body = json!({ "url": url, "events": ["document.ready", "document.failed"] });
    let made = tenant.post("/v1/webhooks", &body).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

async fn show(tenant: &TestTenant, id: &str) -> Value {
    tenant.get(&format!("/v1/webhooks/{id}")).await.expect(200)
}

async fn deliveries(tenant: &TestTenant, id: &str) -> Vec<Value> {
    let page = tenant.get(&format!("/v1/webhooks/{id}/deliveries")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Asks for an event; its delivery.
async fn try_out(tenant: &TestTenant, id: &str) -> Value {
    tenant.post(&format!("/v1/webhooks/{id}/test"), &Value::Null).await.expect(202)
}

/// A delivery, once it has come to its end.
async fn ended(tenant: &TestTenant, webhook: &str, delivery: &Value) -> Value {
    let find = || async {
        let all = deliveries(tenant, webhook).await;
        all.into_iter().find(|it| it["id"] == delivery["id"]).unwrap()
    };
    eventually("the delivery ends", || async { find().await["state"] != "pending" }).await;
    find().await
}

/// HMAC-SHA-256 as RFC 2104 writes it.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64);
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(block, key)| *block ^= key);
        block
    };
    let inner = Sha256::new_with_prefix(pad(0x36)).chain_update(message).finalize();
    Sha256::new_with_prefix(pad(0x5c)).chain_update(inner).finalize().into()
}

/// The signature that a message must carry by the secret.
fn signature(message: &Received, secret: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, timestamp) = (message.header("webhook-id"), message.header("webhook-timestamp"));
    let signed = format!("{id}.{timestamp}.{}", message.body);
    format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())))
}

fn is_signed(message: &Received, secret: &str) -> bool {
    let wanted = signature(message, secret);
    message.header("webhook-signature").split(' ').any(|one| one == wanted)
}

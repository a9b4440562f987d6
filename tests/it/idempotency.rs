//! `Idempotency-Key`: each thing is made once, however often, wherever and at whatever moment its request comes.

mod crash;
mod keys;
mod lifetime;
mod operations;
mod questions;
mod races;
mod secrets;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Reply, TestTenant};

pub const KEY: &str = "Idempotency-Key";
const REPLAYED: &str = "idempotency-replayed";

/// Sends a JSON body under a key.
async fn post(tenant: &TestTenant, path: &str, key: &str, body: &Value) -> Reply {
    tenant.send(tenant.request(Method::POST, path).header(KEY, key).json(body)).await
}

/// Whether a reply says that its request came before.
fn is_replayed(reply: &Reply) -> bool {
    reply.headers.get(REPLAYED).is_some_and(|value| value == "true")
}

/// A key that nobody has used.
pub fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

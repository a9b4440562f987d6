//! The audit log: it tells who did what, nobody can change it unseen, and it can be read and taken away.

mod entries;
mod reading;
mod verify;

use serde_json::Value;

use crate::support::TestTenant;

/// Entries of the tenant with an action, newest first.
async fn entries(tenant: &TestTenant, action: &str) -> Vec<Value> {
    let list = tenant.get(&format!("/v1/audit_events?action={action}")).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

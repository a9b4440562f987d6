//! People of a tenant: members, invitations, groups, and the tenant's own settings.

mod groups;
mod invitations;
mod members;
mod tenant;

use serde_json::Value;
use uuid::Uuid;

use crate::support::{Reply, TestApp, TestTenant};

/// Code and detail of a problem that must have this status.
fn refused(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    reply.json()["detail"].as_str().unwrap().to_owned()
}

/// What was noted of a tenant, in order.
async fn audited(
    app: &TestApp,
    tenant: &TestTenant,
) -> Vec<(String, Option<Value>, Option<Value>)> {
    let query =
        "select action, before, after from app.audit_events where tenant_id = $1 order by sequence";
    sqlx::query_as(query).bind(tenant.id.uuid()).fetch_all(&app.database.admin()).await.unwrap()
}

/// How often an action was noted.
async fn times(app: &TestApp, tenant: &TestTenant, action: &str) -> usize {
    audited(app, tenant).await.iter().filter(|(found, _, _)| found == action).count()
}

/// Path of a person.
fn path(member: &TestTenant) -> String {
    format!("/v1/members/{}", id(member))
}

fn id(member: &TestTenant) -> Uuid {
    member.member_id.unwrap()
}

/// Ids of a list.
fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

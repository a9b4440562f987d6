//! Roles and scopes: each operation with exactly what it needs, and with a little less.

use std::rc::Rc;

use super::{Reused, make_key, many_things, secret};
use crate::api::operations::{Operation, PERSONAL, operations};
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::{TestApp, TestTenant};

const ROLES: [&str; 5] = ["analyst", "member", "editor", "admin", "owner"];
const SCOPES: [&str; 8] = [
    "ask",
    "documents:read",
    "widgets:sign",
    "documents:write",
    "keys:manage",
    "members:manage",
    "tenant:manage",
    "audit:read",
];

/// Operations that a key can call.
fn for_keys() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|it| !PERSONAL.contains(&it.id))
}

/// Scopes that a role can have.
fn scopes_of(role: &str) -> Vec<&'static str> {
    let count = match role {
        "analyst" => 2,
        "member" => 3,
        "editor" => 4,
        _ => 8,
    };
    SCOPES[..count].to_vec()
}

async fn client(owner: &TestTenant, role: &str, scopes: &[&str]) -> TestTenant {
    owner.with_key(&secret(&make_key(owner, role, Some(scopes)).await))
}

async fn call(
    app: &TestApp,
    operation: Operation,
    things: &Things,
    by: &TestTenant,
) -> crate::support::Reply {
    by.send(operation.request(app, things).bearer_auth(&by.key)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_succeeds_with_the_least_role_and_the_one_scope_that_it_needs() {
    let app = many_things().await;
    let owner = app.tenant("least").await;
    let mut shared = Reused::default();
    for operation in for_keys() {
        // A key without any scope is none.
        let mut scopes = vec![operation.scope.unwrap_or("ask")];
        // Who gives somebody a role needs what it gives.
        match operation.id {
            "create_invitation" | "create_password_reset" => scopes.extend(scopes_of("member")),
            "update_member" => scopes.extend(scopes_of("editor")),
            _ => {}
        }
        let least = client(&owner, operation.roles[0], &scopes).await;
        let asks = operation.scope == Some("ask") && operation.roles[0] != "analyst";
        let things = if asks {
            Rc::new(Things::make_for(operation, &owner, &least).await)
        } else {
            shared.of(operation, &owner, &owner).await
        };
        let reply = call(&app, operation, &things, &least).await;
        assert!(reply.status.is_success(), "{}: {} {}", operation.id, reply.status, reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_succeeds_for_each_higher_role() {
    let app = many_things().await;
    let owner = app.tenant("higher").await;
    for role in ROLES {
        let higher = client(&owner, role, &scopes_of(role)).await;
        let mut things = Reused::default();
        for operation in for_keys().filter(|it| it.roles[1..].contains(&role)) {
            let things = things.of(operation, &owner, &higher).await;
            let reply = call(&app, operation, &things, &higher).await;
            assert!(reply.status.is_success(), "{} {role}: {}", operation.id, reply.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_below_the_least_is_refused_by_name_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("below").await;
    let things = Things::make(&owner, &owner).await;
    let mut clients = Vec::new();
    for role in ROLES {
        clients.push((role, client(&owner, role, &scopes_of(role)).await));
    }
    let before = contents(&app).await;
    for operation in operations() {
        for (role, lower) in clients.iter().filter(|(role, _)| !operation.roles.contains(role)) {
            let refused = problem(&call(&app, operation, &things, lower).await, 403, "forbidden");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains(operation.roles[0]), "{} {role}: {detail}", operation.id);
        }
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_refused_by_name_whatever_the_role_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("scope").await;
    let things = Things::make(&owner, &owner).await;
    let mut clients = Vec::new();
    for missing in SCOPES {
        let others: Vec<&str> = SCOPES.into_iter().filter(|scope| *scope != missing).collect();
        clients.push((missing, client(&owner, "owner", &others).await));
    }
    let before = contents(&app).await;
    for operation in operations() {
        let Some(needed) = operation.scope else { continue };
        let (_, lacking) = clients.iter().find(|(missing, _)| *missing == needed).unwrap();
        let refused = problem(&call(&app, operation, &things, lacking).await, 403, "forbidden");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(needed), "{}: {detail}", operation.id);
    }
    assert_eq!(contents(&app).await, before);
}

//! People with the cookie of a login: each operation by each role, and by logins that are over.

use reqwest::{Method, RequestBuilder};

use super::{Reused, many_things};
use crate::api::operations::{Body, Operation, PERSONAL, operations};
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant};

const ROLES: [&str; 5] = ["analyst", "member", "editor", "admin", "owner"];

/// Roles whose people may. Signing for end users is given to keys by name; of people, admins alone have it.
fn roles_of(operation: Operation) -> &'static [&'static str] {
    if operation.scope == Some("widgets:sign") { &["admin", "owner"] } else { operation.roles }
}

/// The operation as a page of this server asks for it.
fn request(operation: Operation, things: &Things, by: &TestTenant) -> RequestBuilder {
    let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
    operation.fill(by.request(method, &operation.path_of(things)), things)
}

async fn call(operation: Operation, things: &Things, by: &TestTenant) -> Reply {
    by.send(request(operation, things, by)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_each_role_can_do_what_the_table_says() {
    let app = many_things().await;
    let owner = app.tenant("people-can").await;
    let may = |role: &str| {
        let impersonal = operations().into_iter().filter(|it| !PERSONAL.contains(&it.id));
        let role = role.to_owned();
        impersonal.filter(move |it| roles_of(*it).contains(&role.as_str()))
    };
    for role in ROLES {
        let person = owner.as_member(role).await;
        let (mut own, mut shared) = (Reused::default(), Reused::default());
        for operation in may(role) {
            // An analyst opens no conversation, and sees everybody's.
            let asks = operation.scope == Some("ask") && role != "analyst";
            let (things, asker) = if asks { (&mut own, &person) } else { (&mut shared, &owner) };
            let things = things.of(operation, &owner, asker).await;
            let reply = call(operation, &things, &person).await;
            assert!(reply.status.is_success(), "{} {role}: {}", operation.id, reply.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_any_other_role_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("people-can-not").await;
    let things = Things::make(&owner, &owner).await;
    let mut people = Vec::new();
    for role in ROLES {
        people.push((role, owner.as_member(role).await));
    }
    let before = contents(&app).await;
    let mut refusals = 0;
    // Everybody lists and ends their own logins; those of others are tried where logins are.
    for operation in operations().into_iter().filter(|it| !it.id.contains("browser_session")) {
        for (role, person) in people.iter().filter(|(role, _)| !roles_of(operation).contains(role))
        {
            let refused = problem(&call(operation, &things, person).await, 403, "forbidden");
            let detail = refused["detail"].as_str().unwrap();
            let named = if operation.roles.contains(role) { operation.scope } else { None };
            let missing = named.unwrap_or(operation.roles[0]);
            assert!(detail.contains(missing), "{} {role}: {detail}", operation.id);
            refusals += 1;
        }
    }
    assert!(refusals > 60, "{refusals}");
    assert_eq!(contents(&app).await, before);
}

/// How a login or its holder is over: what happened, the statement, what is answered.
const OVER: [(&str, &str, u16); 6] = [
    ("ended", "update app.browser_sessions set ended_at = now() where member_id = $1", 401),
    (
        "at its end",
        "update app.browser_sessions set expires_at = now() - interval '1 second' where member_id = $1",
        401,
    ),
    (
        "idle",
        "update app.browser_sessions set last_seen_at = now() - interval '31 minutes' where member_id = $1",
        401,
    ),
    ("of somebody removed", "delete from app.members where member_id = $1", 401),
    (
        "of somebody suspended",
        "update app.members set state = 'suspended' where member_id = $1",
        403,
    ),
    (
        "of a suspended tenant",
        "update app.tenants t set state = 'suspended' from app.members m where m.tenant_id = t.tenant_id and m.member_id = $1",
        403,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_answers_to_a_login_that_is_over() {
    let app = TestApp::start().await;
    for (index, (kind, sql, status)) in OVER.into_iter().enumerate() {
        let owner = app.tenant(&format!("over-{index}")).await;
        let things = Things::make(&owner, &owner).await;
        let person = owner.as_member("owner").await;
        let admin = app.database.admin();
        let done = sqlx::query(sql).bind(person.member_id).execute(&admin).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{kind}");
        let before = contents(&app).await;
        for operation in operations() {
            println!("{}: {kind}", operation.id);
            let code = if status == 401 { "unauthenticated" } else { "forbidden" };
            problem(&call(operation, &things, &person).await, status, code);
        }
        assert_eq!(contents(&app).await, before, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing_with_the_cookie_of_a_person() {
    let app = TestApp::start().await;
    let owner = app.tenant("cross-site").await;
    let things = Things::make(&owner, &owner).await;
    let person = owner.as_member("owner").await;
    let before = contents(&app).await;
    let writes = operations().into_iter().filter(|it| it.method != "GET");
    for operation in writes {
        for site in ["cross-site", "same-site", "none"] {
            let mut request = request(operation, &things, &person).build().unwrap();
            request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
            let reply = person.execute(request).await;
            println!("{}: {site}", operation.id);
            problem(&reply, 403, "forbidden");
        }
    }
    assert_eq!(contents(&app).await, before);
    assert!(operations().iter().any(|it| matches!(it.body, Body::File)));
}

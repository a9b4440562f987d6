//! Who may change whom, and what a change does to logins.

use pidima::identity::Role;
use serde_json::json;

use super::{audited, id, ids, path, refused, times};
use crate::support::{TestApp, TestTenant, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn people_are_listed_and_found_by_address_role_and_state() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-list").await;
    let owner = tenant.as_member("owner").await;
    let editor = tenant.as_member("editor").await;
    let member = tenant.as_member("member").await;
    owner.patch(&path(&member), &json!({ "state": "suspended" })).await.expect(200);

    let all = owner.get("/v1/members").await.expect(200);
    assert_eq!(ids(&all), [&owner, &editor, &member].map(|it| id(it).to_string()));
    let address = format!("{}@EXAMPLE.com", id(&editor).simple());
    for (query, expected) in [
        ("role=editor".to_owned(), &editor),
        ("state=suspended".to_owned(), &member),
        (format!("email={address}"), &editor),
        ("role=owner&state=active".to_owned(), &owner),
    ] {
        let found = owner.get(&format!("/v1/members?{query}")).await.expect(200);
        assert_eq!(ids(&found), [id(expected).to_string()], "{query}");
    }
    let none = owner.get("/v1/members?email=%00").await.expect(200);
    assert_eq!(ids(&none), Vec::<String>::new());
    let first = owner.get("/v1/members?limit=2").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = owner.get(&format!("/v1/members?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(ids(&rest), [id(&member).to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_somebody_above_them_or_gives_more_than_they_have() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-above").await;
    let owner = tenant.as_member("owner").await;
    tenant.as_member("owner").await;
    let admin = tenant.as_member("admin").await;
    let member = tenant.as_member("member").await;

    for body in [
        json!({ "role": "member" }),
        json!({ "state": "suspended" }),
        json!({ "display_name": "Mallory" }),
    ] {
        assert!(refused(&admin.patch(&path(&owner), &body).await, 403).contains("owner"));
    }
    refused(&admin.delete(&path(&owner)).await, 403);
    refused(&admin.patch(&path(&member), &json!({ "role": "owner" })).await, 403);
    refused(&admin.patch(&path(&admin), &json!({ "role": "owner" })).await, 403);
    refused(&tenant.with_role("admin").await.delete(&path(&owner)).await, 403);
    assert_eq!(times(&app, &tenant, "member.changed").await, 0);

    let raised = admin.patch(&path(&member), &json!({ "role": "admin" })).await.expect(200);
    assert_eq!(raised["role"], "admin");
    owner.patch(&path(&member), &json!({ "role": "owner" })).await.expect(200);
    let (_, before, after) = audited(&app, &tenant).await.pop().unwrap();
    assert_eq!(before.unwrap()["role"], "admin");
    assert_eq!(after.unwrap()["role"], "owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_active_owner_stays_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-last").await;
    let owner = tenant.as_member("owner").await;
    let second = tenant.as_member("owner").await;
    owner.patch(&path(&second), &json!({ "state": "suspended" })).await.expect(200);

    for body in [json!({ "role": "admin" }), json!({ "state": "suspended" })] {
        let detail = refused(&owner.patch(&path(&owner), &body).await, 409);
        assert!(detail.contains("last active owner"), "{detail}");
    }
    // A key of the role owner is no person who could come back.
    refused(&tenant.delete(&path(&owner)).await, 409);
    owner.patch(&path(&owner), &json!({ "display_name": "Ada" })).await.expect(200);

    owner.patch(&path(&second), &json!({ "state": "active" })).await.expect(200);
    owner.delete(&path(&owner)).await.expect(204);
    refused(&tenant.delete(&path(&second)).await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_demote_each_other_at_once_one_stays() {
    let app = TestApp::start().await;
    for round in 0..10 {
        let tenant = app.tenant(&format!("people-race-{round}")).await;
        let (left, right) = (tenant.as_member("owner").await, tenant.as_member("owner").await);
        // Both are known as owners before either acts.
        left.get("/v1/me").await.expect(200);
        right.get("/v1/me").await.expect(200);
        let (on_right, on_left) = (path(&right), path(&left));
        let body = json!({ "role": "admin" });
        let (first, second) = if round % 2 == 0 {
            tokio::join!(left.patch(&on_right, &body), right.patch(&on_left, &body))
        } else {
            tokio::join!(left.delete(&on_right), right.delete(&on_left))
        };
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        let done = if round % 2 == 0 { 200 } else { 204 };
        assert_eq!(statuses, [done, 409]);
        let owners = tenant.get("/v1/members?role=owner&state=active").await.expect(200);
        assert_eq!(ids(&owners).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_and_a_removal_end_the_logins_and_a_return_does_not_revive_them() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-logins").await;
    tenant.as_member("owner").await;
    let (suspended, removed) = (tenant.as_member("member").await, tenant.as_member("member").await);
    suspended.get("/v1/me").await.expect(200);
    removed.get("/v1/me").await.expect(200);

    tenant.patch(&path(&suspended), &json!({ "state": "suspended" })).await.expect(200);
    tenant.delete(&path(&removed)).await.expect(204);
    let began = std::time::Instant::now();
    eventually("the logins end", || async {
        let replies = [suspended.get("/v1/me").await, removed.get("/v1/me").await];
        replies.iter().all(|reply| reply.status == 401)
    })
    .await;
    println!("the logins ended after {:?}", began.elapsed());
    assert!(began.elapsed() < std::time::Duration::from_secs(6));

    tenant.patch(&path(&suspended), &json!({ "state": "active" })).await.expect(200);
    refused(&suspended.get("/v1/me").await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_a_removed_person_stay_with_the_tenant() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-history").await;
    tenant.learn("pump.md", "# Pumps\n\nThe pump runs at 3 bar.").await;
    let member = tenant.as_member("member").await;
    let answer = member.ask("At how many bar does the pump run?").await;
    let session = member.post("/v1/sessions", &json!({ "title": "pumps" })).await.expect(201);

    tenant.delete(&path(&member)).await.expect(204);

    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let kept = tenant.get(&message).await.expect(200);
    assert_eq!(kept["content"], answer["content"]);
    assert_eq!(
        ids(&tenant.get("/v1/sessions").await.expect(200)),
        [session["id"].as_str().unwrap()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_rights_loses_the_invitations_that_they_made_with_them() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-lost").await;
    tenant.as_member("owner").await;
    let admin = tenant.as_member("owner").await;
    let mut made = Vec::new();
    for role in ["owner", "member"] {
        let body = json!({ "email": "eve@example.com", "role": role });
        let created = admin.post("/v1/invitations", &body).await.expect(201);
        made.push(created["invitation"]["id"].as_str().unwrap().to_owned());
    }
    let open = || async { ids(&tenant.get("/v1/invitations?open=true").await.expect(200)) };
    tenant.patch(&path(&admin), &json!({ "role": "admin" })).await.expect(200);
    assert_eq!(open().await, [made[1].clone()]);
    // An editor invites nobody, whatever the role.
    tenant.patch(&path(&admin), &json!({ "role": "editor" })).await.expect(200);
    assert_eq!(open().await, Vec::<String>::new());
    assert_eq!(times(&app, &tenant, "invitation.revoked").await, 2);

    let leaver = tenant.as_member("admin").await;
    let body = json!({ "email": "eve@example.com", "role": "member" });
    leaver.post("/v1/invitations", &body).await.expect(201);
    tenant.delete(&path(&leaver)).await.expect(204);
    assert_eq!(open().await, Vec::<String>::new());
    assert_eq!(times(&app, &tenant, "invitation.revoked").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_of_a_key_are_taken_back_with_the_key() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-key-lost").await;
    let made = tenant.post("/v1/api_keys", &json!({ "name": "k", "role": "admin" })).await;
    let made = made.expect(201);
    let key = tenant.with_key(made["secret"].as_str().unwrap());
    let body = json!({ "email": "eve@example.com", "role": "member" });
    key.post("/v1/invitations", &body).await.expect(201);
    let kept = tenant.post("/v1/invitations", &body).await.expect(201);
    let key_path = format!("/v1/api_keys/{}", made["api_key"]["id"].as_str().unwrap());
    tenant.delete(&key_path).await.expect(204);
    let open = ids(&tenant.get("/v1/invitations?open=true").await.expect(200));
    assert_eq!(open, [kept["invitation"]["id"].as_str().unwrap()]);
    let (action, _, after) = audited(&app, &tenant).await.pop().unwrap();
    assert_eq!(action, "invitation.revoked");
    assert_eq!(after.unwrap()["because_of_api_key"], made["api_key"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_no_login_of_an_owner() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-sessions").await;
    let (owner, admin) = (tenant.as_member("owner").await, tenant.as_member("admin").await);
    let other = tenant.as_member("admin").await;
    let login = async |of: &TestTenant| {
        let list = format!("/v1/browser_sessions?member_id={}", id(of));
        format!("/v1/browser_sessions/{}", ids(&tenant.get(&list).await.expect(200))[0])
    };
    let (of_owner, of_admin, of_other) =
        (login(&owner).await, login(&admin).await, login(&other).await);
    for client in [&admin, &tenant.with_role("admin").await] {
        assert!(refused(&client.delete(&of_owner).await, 403).contains("role owner"));
    }
    owner.get("/v1/me").await.expect(200);
    assert_eq!(times(&app, &tenant, "browser_session.ended").await, 0);
    admin.delete(&of_other).await.expect(204);
    admin.delete(&of_admin).await.expect(204);
    owner.delete(&of_owner).await.expect(204);
    assert_eq!(times(&app, &tenant, "browser_session.ended").await, 3);
}

/// A client with a key of a role, narrowed by what is given.
async fn narrowed(tenant: &TestTenant, role: &str, limits: serde_json::Value) -> TestTenant {
    let mut body = json!({ "name": "narrowed", "role": role });
    body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let made = tenant.post("/v1/api_keys", &body).await.expect(201);
    tenant.with_key(made["secret"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_key_gets_no_more_by_way_of_a_person() {
    let app = TestApp::start().await;
    let tenant = app.tenant("people-narrowed").await;
    let member = tenant.as_member("member").await;
    let account = tenant.local_member("root@example.com", Role::Owner, None).await;
    let reset = format!("/v1/members/{account}/password_reset");
    let group = tenant.post("/v1/groups", &json!({ "name": "inner" })).await.expect(201);
    let group = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let body = json!({ "name": "one" });
    let one = tenant.post("/v1/collections", &body).await.expect(201)["id"].clone();
    let by_scope = narrowed(&tenant, "owner", json!({ "scopes": ["members:manage"] })).await;
    let by_reach = narrowed(&tenant, "owner", json!({ "collection_ids": [one] })).await;
    let noted = audited(&app, &tenant).await.len();
    for (key, missing) in [(&by_scope, "scope ask"), (&by_reach, "collection_ids")] {
        let invitation = json!({ "email": "eve@example.com", "role": "member" });
        let replies = [
            key.post("/v1/invitations", &invitation).await,
            key.patch(&path(&member), &json!({ "role": "owner" })).await,
            key.post(&reset, &json!({})).await,
        ];
        for reply in replies {
            let detail = refused(&reply, 403);
            assert!(detail.contains(missing), "{detail}");
        }
        key.patch(&path(&member), &json!({ "role": "member" })).await.expect(200);
    }
    let replies = [
        by_reach.post("/v1/groups", &json!({ "name": "new" })).await,
        by_reach.patch(&group, &json!({ "name": "new" })).await,
        by_reach.put(&format!("{group}/members/{}", id(&member))).await,
        by_reach.delete(&format!("{group}/members/{}", id(&member))).await,
        by_reach.delete(&group).await,
    ];
    for reply in replies {
        assert!(refused(&reply, 403).contains("collection_ids"));
    }
    let groups = json!({ "group_ids": [group.rsplit('/').next().unwrap()] });
    let collection = format!("/v1/collections/{}", one.as_str().unwrap());
    assert!(refused(&by_reach.patch(&collection, &groups).await, 403).contains("collection_ids"));
    assert_eq!(audited(&app, &tenant).await.len(), noted);

    let whole = json!({ "scopes": ["members:manage", "ask", "documents:read", "widgets:sign"] });
    let enough = narrowed(&tenant, "admin", whole).await;
    let invitation = json!({ "email": "eve@example.com", "role": "member" });
    enough.post("/v1/invitations", &invitation).await.expect(201);
    assert!(refused(&enough.post(&reset, &json!({})).await, 403).contains("owner"));
    enough.put(&format!("{group}/members/{}", id(&member))).await.expect(204);
}

//! One-time links: made within the rights of who makes them, good once, and silent about why they are not.

use chrono::{TimeDelta, Utc};
use pidima::identity::{
    AcceptError, Identity, InvitationLink, Member, Newcomer, RequestOrigin, accept_invitation,
};
use serde_json::{Value, json};

use super::{ids, refused, times};
use crate::support::{TestApp, TestTenant};

fn newcomer(subject: &str) -> Newcomer {
    Newcomer {
        identity: Identity {
            issuer: "https://issuer.example".to_owned(),
            subject: subject.to_owned(),
        },
        provider: "acme".to_owned(),
        email: None,
        display_name: Some("Ada Lovelace".to_owned()),
        request: RequestOrigin::default(),
    }
}

async fn accept(app: &TestApp, text: &str, who: Newcomer) -> Result<Member, AcceptError> {
    let link = InvitationLink::parse(text).unwrap();
    let mut tx = app.app.services.db.tenant(link.tenant).await?;
    let member = accept_invitation(&mut tx, &link, who).await?;
    tx.commit().await?;
    Ok(member)
}

async fn invite(tenant: &TestTenant, body: Value) -> (String, String) {
    let created = tenant.post("/v1/invitations", &body).await.expect(201);
    let text = created["secret"].as_str().unwrap().to_owned();
    (text, created["invitation"]["id"].as_str().unwrap().to_owned())
}

fn to(role: &str) -> Value {
    json!({ "email": "ada@example.com", "role": role })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_one_member_in_its_groups_with_its_role() {
    let app = TestApp::start().await;
    let tenant = app.tenant("invited").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "support" })).await.expect(201);
    let gone = tenant.post("/v1/groups", &json!({ "name": "gone" })).await.expect(201);
    let body = json!({
        "email": " ada@Example.COM ", "role": "editor", "group_ids": [group["id"], gone["id"], group["id"]],
    });
    let (text, id) = invite(&tenant, body).await;
    tenant.delete(&format!("/v1/groups/{}", gone["id"].as_str().unwrap())).await.expect(204);

    let member = accept(&app, &text, newcomer("1")).await.unwrap();

    let view = tenant.get(&format!("/v1/members/{}", member.member_id)).await.expect(200);
    assert_eq!(view["role"], "editor");
    assert_eq!(view["email"], "ada@example.com");
    assert_eq!(view["provider"], "acme");
    let members = format!("/v1/groups/{}/members", group["id"].as_str().unwrap());
    let members = tenant.get(&members).await.expect(200);
    assert_eq!(ids(&members), [member.member_id.to_string()]);
    let invitation = tenant.get(&format!("/v1/invitations/{id}")).await.expect(200);
    assert_eq!(invitation["state"], "accepted");
    assert_eq!(invitation["accepted_by"], member.member_id.to_string());
    for action in ["invitation.created", "invitation.accepted"] {
        assert_eq!(times(&app, &tenant, action).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_who_open_a_link_at_once_one_becomes_a_member() {
    let app = TestApp::start().await;
    let tenant = app.tenant("invited-race").await;
    let (text, _) = invite(&tenant, to("member")).await;
    let racers = (0..8).map(|number| {
        let (app, text) = (&app, text.clone());
        async move { accept(app, &text, newcomer(&number.to_string())).await }
    });
    let outcomes = futures_util::future::join_all(racers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(outcome, AcceptError::Refused), "{outcome}");
    }
    assert_eq!(ids(&tenant.get("/v1/members").await.expect(200)).len(), 1);
    assert_eq!(times(&app, &tenant, "invitation.accepted").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_link_the_answer_is_the_same() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("invited-bad").await, app.tenant("invited-other").await);
    let (used, _) = invite(&tenant, to("member")).await;
    accept(&app, &used, newcomer("used")).await.unwrap();
    let (revoked, id) = invite(&tenant, to("member")).await;
    tenant.delete(&format!("/v1/invitations/{id}")).await.expect(204);
    let (expired, id) = invite(&tenant, to("member")).await;
    let expire = "update app.invitations set expires_at = now() where invitation_id = $1::uuid";
    sqlx::query(expire).bind(&id).execute(&app.database.admin()).await.unwrap();
    let (good, _) = invite(&tenant, to("member")).await;
    let parts: Vec<&str> = good.split('.').collect();
    let foreign = other.id.uuid().simple().to_string();
    let guessed = "0".repeat(40);
    let id_of_nobody = uuid::Uuid::now_v7().simple().to_string();
    let texts = [
        used,
        revoked,
        expired,
        format!("{}.{}.{guessed}", parts[0], parts[1]),
        format!("{foreign}.{}.{}", parts[1], parts[2]),
        format!("{}.{id_of_nobody}.{}", parts[0], parts[2]),
    ];
    for text in texts {
        let error = accept(&app, &text, newcomer("x")).await.unwrap_err();
        assert_eq!(error.to_string(), AcceptError::Refused.to_string());
    }
    // In a transaction of another tenant the link is worth nothing either.
    let link = InvitationLink::parse(&good).unwrap();
    let mut tx = app.app.services.db.tenant(other.id).await.unwrap();
    let error = accept_invitation(&mut tx, &link, newcomer("x")).await.unwrap_err();
    assert!(matches!(error, AcceptError::Refused));
    drop(tx);

    let suspend = "update app.tenants set state = $2 where tenant_id = $1";
    for (state, lets_in) in [("suspended", false), ("active", true)] {
        let query = sqlx::query(suspend).bind(tenant.id.uuid()).bind(state);
        query.execute(&app.database.admin()).await.unwrap();
        assert_eq!(accept(&app, &good, newcomer("late")).await.is_ok(), lets_in, "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_told_so_and_the_link_stays_good_for_somebody_else() {
    let app = TestApp::start().await;
    let tenant = app.tenant("invited-again").await;
    let (first, _) = invite(&tenant, to("member")).await;
    accept(&app, &first, newcomer("ada")).await.unwrap();
    let (second, _) = invite(&tenant, to("owner")).await;
    let error = accept(&app, &second, newcomer("ada")).await.unwrap_err();
    assert!(matches!(error, AcceptError::AlreadyMember), "{error}");
    tenant.patch("/v1/tenant", &json!({ "login_providers": ["local"] })).await.expect(200);
    let error = accept(&app, &second, newcomer("grace")).await.unwrap_err();
    assert!(matches!(error, AcceptError::ProviderNotAdmitted(_)), "{error}");
    tenant.patch("/v1/tenant", &json!({ "login_providers": null })).await.expect(200);
    accept(&app, &second, newcomer("grace")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_invites_above_their_role_or_for_too_long_or_without_an_address() {
    let app = TestApp::start().await;
    let tenant = app.tenant("invited-limits").await;
    let admin = tenant.as_member("admin").await;
    assert!(refused(&admin.post("/v1/invitations", &to("owner")).await, 403).contains("owner"));
    admin.post("/v1/invitations", &to("admin")).await.expect(201);

    let until = |days: i64, seconds: i64| {
        let expires_at = Utc::now() + TimeDelta::days(days) + TimeDelta::seconds(seconds);
        json!({ "email": "a@b.de", "role": "member", "expires_at": expires_at })
    };
    admin.post("/v1/invitations", &until(30, -5)).await.expect(201);
    admin.post("/v1/invitations", &until(30, 60)).await.expect(422);
    admin.post("/v1/invitations", &until(0, -1)).await.expect(422);
    for email in ["ada", "a b@c.de", "ada@", "a@b@c.de"] {
        let body = json!({ "email": email, "role": "member" });
        assert!(refused(&admin.post("/v1/invitations", &body).await, 422).contains("/email"));
    }
    let created = admin.post("/v1/invitations", &to("member")).await.expect(201);
    let text = |name: &str| {
        let text = created["invitation"][name].as_str().unwrap();
        text.parse::<chrono::DateTime<Utc>>().unwrap()
    };
    assert_eq!(text("expires_at") - text("created_at"), TimeDelta::days(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_is_shown_once_as_an_address_and_only_its_hash_is_stored() {
    let settings = [("PIDIMA_PUBLIC_URL", "https://docs.example.com/")];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("invited-link").await;
    let created = tenant.post("/v1/invitations", &to("member")).await.expect(201);
    let secret = created["secret"].as_str().unwrap();
    let link = format!("https://docs.example.com/login?invitation={secret}");
    assert_eq!(created["link"], link);
    let hidden = secret.rsplit('.').next().unwrap();
    assert!(!tenant.get("/v1/invitations").await.text().contains(hidden));
    let query = "select (select json_agg(i)::text from app.invitations i)
        || (select json_agg(e)::text from app.audit_events e)";
    let stored: String = sqlx::query_scalar(query).fetch_one(&app.database.admin()).await.unwrap();
    assert!(!stored.contains(hidden));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_invitations_are_counted_below_at_and_above_the_limit_also_when_they_race() {
    let settings = [("PIDIMA_MAX_OPEN_INVITATIONS", "3")];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("invited-many").await;
    let (_, first) = invite(&tenant, to("member")).await;
    let racers = (0..6).map(|_| async { tenant.post("/v1/invitations", &to("member")).await });
    let replies = futures_util::future::join_all(racers).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 2);
    assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 4);
    tenant.delete(&format!("/v1/invitations/{first}")).await.expect(204);
    tenant.delete(&format!("/v1/invitations/{first}")).await.expect(204);
    invite(&tenant, to("member")).await;
    assert!(refused(&tenant.post("/v1/invitations", &to("member")).await, 409).contains('3'));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_of_a_key_ends_with_the_key() {
    let app = TestApp::start().await;
    let tenant = app.tenant("invited-by-key").await;
    let soon = (Utc::now() + TimeDelta::days(2)).to_rfc3339();
    let body = json!({ "name": "inviter", "role": "admin", "expires_at": soon });
    let made = tenant.post("/v1/api_keys", &body).await.expect(201);
    let key = tenant.with_key(made["secret"].as_str().unwrap());
    // Asked for a week, and for longer: both end with the key. A shorter time stays.
    let ends = made["api_key"]["expires_at"].as_str().unwrap();
    let created = key.post("/v1/invitations", &to("member")).await.expect(201);
    assert_eq!(created["invitation"]["expires_at"], ends);
    let shorter = (Utc::now() + TimeDelta::hours(5)).to_rfc3339();
    let body = json!({ "email": "bob@example.com", "role": "member", "expires_at": shorter });
    let created = key.post("/v1/invitations", &body).await.expect(201);
    assert!(created["invitation"]["expires_at"].as_str().unwrap() < ends);
    // A key whose end moves up, as by a rotation, takes what it has promised with it.
    let text = created["secret"].as_str().unwrap();
    let end = "update app.api_keys set expires_at = now() where api_key_id = $1::uuid";
    let ending = sqlx::query(end).bind(made["api_key"]["id"].as_str().unwrap());
    ending.execute(&app.database.admin()).await.unwrap();
    let refused = accept(&app, text, newcomer("late")).await;
    assert!(matches!(refused, Err(AcceptError::Refused)), "{refused:?}");
}

//! Which tenant an access token opens: those of its person, and no other, whatever the request says.

use chrono::Utc;
use pidima::identity::{Denied, Role};
use pidima::kernel::ids::TenantId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Setup, claims, with};
use crate::support::{Reply, TestTenant};

/// Asks who one is, with the header.
async fn me(tenant: &TestTenant, token: &str, chosen: &[&str]) -> Reply {
    let tenant = tenant.with_key(token);
    let mut request = tenant.request(Method::GET, "/v1/me");
    for chosen in chosen {
        request = request.header("Pidima-Tenant", *chosen);
    }
    tenant.send(request).await
}

/// The reply without the id of its request.
fn told(reply: &Reply) -> (u16, Value) {
    (reply.status.as_u16(), with(reply.json(), json!({ "request_id": null })))
}

#[tokio::test]
async fn a_person_of_one_tenant_needs_no_header_and_gains_nothing_by_one() {
    let setup = Setup::start().await;
    let (own, foreign) = (setup.app.tenant("own").await, setup.app.tenant("foreign").await);
    let member = setup.join(own.id, "person-1", Role::Editor).await;
    let token = setup.main.key.sign(&claims(&setup.main, "person-1"));
    let shown = me(&own, &token, &[]).await.expect(200);
    assert_eq!(shown["tenant_id"], own.id.to_string());
    assert_eq!(shown["kind"], "member");
    assert_eq!(shown["id"], member.member_id.to_string());
    assert_eq!(shown["role"], "editor");
    assert_eq!(me(&own, &token, &[&own.id.to_string()]).await.expect(200), shown);
    let wrong = me(&own, &token, &[&foreign.id.to_string()]).await;
    let absent = me(&own, &token, &[&TenantId::generate().to_string()]).await;
    assert_eq!(told(&wrong), told(&absent));
    assert_eq!(wrong.expect(400)["code"], "tenant_required");
}

#[tokio::test]
async fn a_person_of_two_tenants_says_which() {
    let setup = Setup::start().await;
    let (one, two) = (setup.app.tenant("one").await, setup.app.tenant("two").await);
    let third = setup.app.tenant("third").await;
    setup.join(one.id, "person-1", Role::Owner).await;
    setup.join(two.id, "person-1", Role::Analyst).await;
    let token = setup.main.key.sign(&claims(&setup.main, "person-1"));
    let silent = me(&one, &token, &[]).await;
    let (status, problem) = told(&silent);
    assert_eq!((status, &problem["code"]), (400, &json!("tenant_required")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&one.id.to_string()) && detail.contains(&two.id.to_string()));
    assert!(!detail.contains(&third.id.to_string()), "{detail}");
    for stranger in [third.id, TenantId::generate()] {
        let reply = me(&one, &token, &[&stranger.to_string()]).await;
        assert_eq!(told(&reply), told(&silent), "a foreign tenant is answered like none");
    }
    // Both at once, so that what is remembered of one choice cannot serve the other.
    for _ in 0..3 {
        for (tenant, role) in [(&one, "owner"), (&two, "analyst")] {
            let shown = me(tenant, &token, &[&tenant.id.to_string()]).await.expect(200);
            assert_eq!(shown["tenant_id"], tenant.id.to_string());
            assert_eq!(shown["role"], role);
        }
    }
    assert_eq!(told(&me(&one, &token, &[]).await), told(&silent), "still no default");
}

#[tokio::test]
async fn the_header_is_one_id_or_refused() {
    let setup = Setup::start().await;
    let (own, foreign) = (setup.app.tenant("own").await, setup.app.tenant("foreign").await);
    setup.join(own.id, "person-1", Role::Member).await;
    let token = setup.main.key.sign(&claims(&setup.main, "person-1"));
    let id = own.id.to_string();
    for credential in [token.as_str(), own.key.as_str()] {
        for bad in ["", "own", "*", "null", &format!("{id},{id}"), &format!("{id}x"), "' or 1=1"] {
            let reply = me(&own, credential, &[bad]).await;
            assert_eq!(reply.expect(400)["code"], "malformed_request", "{bad:?}");
        }
        let twice = me(&own, credential, &[&id, &foreign.id.to_string()]).await;
        assert_eq!(twice.expect(400)["code"], "malformed_request");
    }
    // A key is of one tenant: its own may be named, another not, known or not.
    assert_eq!(me(&own, &own.key, &[&id]).await.expect(200)["tenant_id"], id);
    let wrong = me(&own, &own.key, &[&foreign.id.to_string()]).await;
    let absent = me(&own, &own.key, &[&TenantId::generate().to_string()]).await;
    assert_eq!(told(&wrong), told(&absent));
    assert_eq!(wrong.expect(400)["code"], "malformed_request");
}

#[tokio::test]
async fn who_is_no_member_or_is_kept_out_is_told_so_and_gets_nothing() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("kept").await;
    setup.join(tenant.id, "person-1", Role::Owner).await;
    setup.join_by(&setup.other, "other", tenant.id, "person-1", Role::Member).await;
    // A new token each time: a good one is remembered for some seconds.
    let token = || setup.main.key.sign(&claims(&setup.main, "person-1"));
    let stranger = setup.main.key.sign(&claims(&setup.main, "person-9"));
    assert_eq!(me(&tenant, &stranger, &[]).await.expect(403)["code"], "forbidden");
    let named = me(&tenant, &stranger, &[&tenant.id.to_string()]).await;
    assert_eq!(named.expect(403)["code"], "forbidden");
    // The same subject of the other issuer is another person.
    let other = setup.other.key.sign(&claims(&setup.other, "person-1"));
    assert_eq!(me(&tenant, &other, &[]).await.expect(200)["role"], "member");
    assert_eq!(me(&tenant, &token(), &[]).await.expect(200)["role"], "owner");

    let admit = "update app.tenants set login_providers = '{other}' where tenant_id = $1";
    setup.sql(admit, tenant.id).await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::ProviderNotAdmitted)));
    me(&tenant, &setup.other.key.sign(&claims(&setup.other, "person-1")), &[]).await.expect(200);
    me(&tenant, &token(), &[]).await.expect(403);
    setup
        .sql("update app.tenants set login_providers = null where tenant_id = $1", tenant.id)
        .await;

    setup.sql("update app.members set state = 'suspended' where tenant_id = $1", tenant.id).await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::MemberSuspended)));
    me(&tenant, &token(), &[]).await.expect(403);
    setup.sql("update app.members set state = 'active' where tenant_id = $1", tenant.id).await;

    setup.sql("update app.tenants set state = 'suspended' where tenant_id = $1", tenant.id).await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::TenantSuspended)));
    me(&tenant, &token(), &[]).await.expect(403);
    setup.sql("update app.tenants set state = 'active' where tenant_id = $1", tenant.id).await;

    setup.verify(&token()).await.unwrap();
    setup.sql("delete from app.members where tenant_id = $1", tenant.id).await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::NoMembership)));
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_time() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("ends").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    // Its end, with the skew of 60 s, is at most 2 s away: sooner than what is remembered is forgotten.
    let now = Utc::now().timestamp();
    let times = json!({ "exp": now - 58, "iat": now - 600, "nbf": now - 600 });
    let token = setup.main.key.sign(&with(claims(&setup.main, "person-1"), times));
    setup.verify(&token).await.unwrap();
    let began = std::time::Instant::now();
    crate::support::eventually("the token ends", || async {
        matches!(setup.verify(&token).await, Err(Denied::TokenExpired))
    })
    .await;
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
}

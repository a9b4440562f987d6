//! Claims that make members: only where the operator named the claim or the prefix, and only as far as they say.

use pidima::identity::{Denied, Role};
use pidima::kernel::ids::TenantId;
use serde_json::{Value, json};
use sqlx::Row;

use super::{Setup, claims, with};

const BY_CLAIM: [(&str, &str); 1] = [("PIDIMA_OIDC_MAIN_TENANT_CLAIM", "custom:tenant_id")];
const BY_GROUP: [(&str, &str); 1] = [("PIDIMA_OIDC_MAIN_GROUP_PREFIX", "pidima:")];

impl Setup {
    /// A token of the main provider with more claims.
    fn claimed(&self, subject: &str, more: Value) -> String {
        self.main.key.sign(&with(claims(&self.main, subject), more))
    }

    /// A tenant that names the main provider, whose claims count there.
    async fn trusting(&self, slug: &str) -> crate::support::TestTenant {
        let tenant = self.app.tenant(slug).await;
        self.sql(
            "update app.tenants set login_providers = '{main}' where tenant_id = $1",
            tenant.id,
        )
        .await;
        tenant
    }

    /// Actions of the audit log with the role that they gave.
    async fn audited(&self, tenant: TenantId) -> Vec<(String, String, String)> {
        let statement = "select action, actor_kind, after ->> 'role' as role
            from app.audit_events where tenant_id = $1 order by sequence";
        let admin = self.app.database.admin();
        let rows = sqlx::query(statement).bind(tenant.uuid()).fetch_all(&admin).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

fn groups(names: &[&str]) -> Value {
    json!({ "cognito:groups": names })
}

fn entry(action: &str, role: &str) -> (String, String, String) {
    (action.to_owned(), "system".to_owned(), role.to_owned())
}

#[tokio::test]
async fn claims_decide_nothing_unless_the_operator_says_so() {
    let setup = Setup::start().await;
    let tenant = setup.trusting("acme").await;
    let more = json!({
        "custom:tenant_id": tenant.id.to_string(),
        "tenant_id": tenant.id.to_string(),
        "cognito:groups": ["acme:owner", "pidima:acme:owner"],
        "groups": ["pidima:acme:owner"],
    });
    let refused = setup.verify(&setup.claimed("person-1", more.clone())).await;
    assert!(matches!(refused, Err(Denied::NoMembership)), "{refused:?}");
    setup.join(tenant.id, "person-1", Role::Analyst).await;
    let actor = setup.verify(&setup.claimed("person-1", more)).await.unwrap();
    assert_eq!(actor.role, Role::Analyst);
}

#[tokio::test]
async fn the_claim_of_the_tenant_makes_a_member_once() {
    let setup = Setup::start_with(&BY_CLAIM).await;
    let (tenant, other) = (setup.trusting("acme").await, setup.trusting("other").await);
    let claim =
        |id: &str| json!({ "custom:tenant_id": id, "name": "Ada", "email": "ada@acme.example" });
    let id = tenant.id.to_string();
    for bad in
        ["", "acme", &id.to_uppercase(), &format!("{id} "), &TenantId::generate().to_string()]
    {
        let refused = setup.verify(&setup.claimed("person-1", claim(bad))).await;
        assert!(matches!(refused, Err(Denied::NoMembership)), "{bad:?}: {refused:?}");
    }
    let list = setup.verify(&setup.claimed("person-1", json!({ "custom:tenant_id": [id] }))).await;
    assert!(matches!(list, Err(Denied::NoMembership)));
    let tokens: Vec<String> = (0..4).map(|_| setup.claimed("person-1", claim(&id))).collect();
    let (one, two, three, four) = tokio::join!(
        setup.verify(&tokens[0]),
        setup.verify(&tokens[1]),
        setup.verify(&tokens[2]),
        setup.verify(&tokens[3])
    );
    let first = one.unwrap();
    for actor in [two, three, four] {
        assert_eq!(actor.unwrap().principal, first.principal, "one member, however many at once");
    }
    assert_eq!((first.tenant, first.role, first.name.as_str()), (tenant.id, Role::Member, "Ada"));
    assert_eq!(setup.audited(tenant.id).await, [entry("member.joined", "member")]);
    assert!(setup.audited(other.id).await.is_empty());
    // Without the claim the membership has no ground any more.
    let gone = setup.verify(&setup.claimed("person-1", json!({}))).await;
    assert!(matches!(gone, Err(Denied::NoMembership)), "{gone:?}");
    // The other provider has no such setting.
    let elsewhere =
        setup.other.key.sign(&with(super::claims(&setup.other, "person-2"), claim(&id)));
    assert!(matches!(setup.verify(&elsewhere).await, Err(Denied::NoMembership)));
}

#[tokio::test]
async fn the_claim_does_not_open_a_tenant_that_keeps_the_provider_or_everybody_out() {
    let setup = Setup::start_with(&BY_CLAIM).await;
    let tenant = setup.trusting("acme").await;
    let token = || setup.claimed("person-1", json!({ "custom:tenant_id": tenant.id.to_string() }));
    setup
        .sql("update app.tenants set login_providers = '{local}' where tenant_id = $1", tenant.id)
        .await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::NoMembership)));
    let suspend = "update app.tenants set login_providers = '{main}', state = 'suspended' where tenant_id = $1";
    setup.sql(suspend, tenant.id).await;
    assert!(matches!(setup.verify(&token()).await, Err(Denied::TenantSuspended)));
    assert!(setup.audited(tenant.id).await.is_empty(), "nobody joined");
}

#[tokio::test]
async fn groups_make_members_and_their_role_follows() {
    let setup = Setup::start_with(&BY_GROUP).await;
    let (acme, zeta) = (setup.trusting("acme").await, setup.trusting("zeta").await);
    // Somebody else who can make owners.
    setup.join(acme.id, "founder", Role::Owner).await;
    for no in [
        &["acme:owner"][..],
        &["Pidima:acme:owner", "xpidima:acme:owner", " pidima:acme:owner"],
        &[
            "pidima:acme",
            "pidima:acme:",
            "pidima:acme:root",
            "pidima::owner",
            "pidima:nobody:owner",
        ],
        &[],
    ] {
        let refused = setup.verify(&setup.claimed("person-1", groups(no))).await;
        assert!(matches!(refused, Err(Denied::NoMembership)), "{no:?}: {refused:?}");
    }
    let role_with = async |names: &[&str]| {
        let token = setup.claimed("person-1", groups(names));
        setup.verify(&token).await.map(|actor| (actor.tenant, actor.role))
    };
    let both = ["pidima:acme:member", "pidima:acme:editor", "elsewhere:acme:owner"];
    assert_eq!(role_with(&both).await.unwrap(), (acme.id, Role::Editor), "the highest of ours");
    assert_eq!(role_with(&["pidima:acme:owner"]).await.unwrap().1, Role::Owner);
    assert_eq!(role_with(&["pidima:acme:analyst"]).await.unwrap().1, Role::Analyst);
    assert_eq!(role_with(&["pidima:acme:analyst"]).await.unwrap().1, Role::Analyst);
    assert_eq!(
        setup.audited(acme.id).await,
        [
            entry("member.joined", "editor"),
            entry("member.role_changed", "owner"),
            entry("member.role_changed", "analyst"),
        ]
    );
    assert!(matches!(role_with(&[]).await, Err(Denied::NoMembership)), "the group was taken away");
    // Groups of two tenants: the header chooses, as for anybody in two tenants.
    let two = setup.claimed("person-2", groups(&["pidima:acme:member", "pidima:zeta:admin"]));
    assert!(matches!(setup.verify(&two).await, Err(Denied::ChooseTenant(ids)) if ids.len() == 2));
    let actor = setup.verify_in(&two, Some(zeta.id)).await.unwrap();
    assert_eq!((actor.tenant, actor.role), (zeta.id, Role::Admin));
}

#[tokio::test]
async fn groups_do_not_touch_a_member_whom_the_tenant_invited() {
    let setup = Setup::start_with(&BY_GROUP).await;
    let acme = setup.trusting("acme").await;
    setup.join(acme.id, "person-1", Role::Editor).await;
    for names in [&["pidima:acme:owner"][..], &["pidima:acme:analyst"], &[]] {
        let actor = setup.verify(&setup.claimed("person-1", groups(names))).await.unwrap();
        assert_eq!(actor.role, Role::Editor, "{names:?}");
    }
    assert!(setup.audited(acme.id).await.is_empty());
}

#[tokio::test]
async fn claims_count_only_in_tenants_that_name_the_provider() {
    let setup = Setup::start_with(&[BY_CLAIM[0], BY_GROUP[0]]).await;
    let (silent, other) = (setup.app.tenant("silent").await, setup.app.tenant("other").await);
    setup
        .sql("update app.tenants set login_providers = '{other}' where tenant_id = $1", other.id)
        .await;
    let trusting = setup.trusting("trusting").await;
    for tenant in [&silent, &other] {
        let claim = json!({ "custom:tenant_id": tenant.id.to_string() });
        let refused = setup.verify(&setup.claimed("person-1", claim)).await;
        assert!(matches!(refused, Err(Denied::NoMembership)), "{refused:?}");
    }
    let all = groups(&["pidima:silent:owner", "pidima:other:owner", "pidima:trusting:editor"]);
    let actor = setup.verify(&setup.claimed("person-1", all.clone())).await.unwrap();
    assert_eq!((actor.tenant, actor.role), (trusting.id, Role::Editor), "one tenant is left");
    let into = setup.verify_in(&setup.claimed("person-1", all.clone()), Some(silent.id)).await;
    assert!(into.is_err(), "{into:?}");
    // A tenant that names it no longer ends what the claims gave.
    let every = "update app.tenants set login_providers = null where tenant_id = $1";
    setup.sql(every, trusting.id).await;
    let gone = setup.verify(&setup.claimed("person-1", all)).await;
    assert!(matches!(gone, Err(Denied::NoMembership)), "{gone:?}");
    assert!(setup.audited(silent.id).await.is_empty() && setup.audited(other.id).await.is_empty());
}

#[tokio::test]
async fn a_role_that_groups_decide_is_changed_where_they_are_kept() {
    let setup = Setup::start_with(&BY_GROUP).await;
    let acme = setup.trusting("acme").await;
    let token = setup.claimed("person-1", groups(&["pidima:acme:editor"]));
    let actor = setup.verify(&token).await.unwrap();
    let path = format!("/v1/members/{}", actor.id());
    let refused = acme.patch(&path, &json!({ "role": "member" })).await.expect(409);
    assert!(refused["detail"].as_str().unwrap().contains("suspend instead"), "{refused}");
    let same = json!({ "role": "editor", "display_name": "Ada" });
    acme.patch(&path, &same).await.expect(200);
    acme.patch(&path, &json!({ "state": "suspended" })).await.expect(200);
    // An invited person's role is the tenant's.
    let invited = setup.join(acme.id, "person-2", Role::Editor).await;
    let path = format!("/v1/members/{}", invited.member_id);
    acme.patch(&path, &json!({ "role": "member" })).await.expect(200);
}

#[tokio::test]
async fn a_role_beside_the_claim_of_the_tenant_is_the_tenants() {
    let setup = Setup::start_with(&BY_CLAIM).await;
    let acme = setup.trusting("acme").await;
    let claim = json!({ "custom:tenant_id": acme.id.to_string() });
    let actor = setup.verify(&setup.claimed("person-1", claim.clone())).await.unwrap();
    let path = format!("/v1/members/{}", actor.id());
    acme.patch(&path, &json!({ "role": "editor" })).await.expect(200);
    let actor = setup.verify(&setup.claimed("person-1", claim)).await.unwrap();
    assert_eq!(actor.role, Role::Editor);
}

#[tokio::test]
async fn a_role_taken_away_takes_invitations_back_and_never_the_last_owner() {
    let setup = Setup::start_with(&BY_GROUP).await;
    let acme = setup.trusting("acme").await;
    let role_with = async |names: &[&str]| {
        setup.verify(&setup.claimed("person-1", groups(names))).await.unwrap().role
    };
    assert_eq!(role_with(&["pidima:acme:owner"]).await, Role::Owner);
    assert_eq!(role_with(&["pidima:acme:editor"]).await, Role::Owner, "the last one");
    setup.join(acme.id, "founder", Role::Owner).await;
    let by = acme.with_key(&setup.claimed("person-1", groups(&["pidima:acme:owner"])));
    let body = json!({ "email": "eve@example.com", "role": "member" });
    by.post("/v1/invitations", &body).await.expect(201);
    assert_eq!(role_with(&["pidima:acme:editor"]).await, Role::Editor);
    let open = acme.get("/v1/invitations?open=true").await.expect(200);
    assert_eq!(open["items"], json!([]));
    let revoked = "select count(*) from app.audit_events
        where action = 'invitation.revoked' and actor_kind = 'system'";
    let admin = setup.app.database.admin();
    let revoked: i64 = sqlx::query_scalar(revoked).fetch_one(&admin).await.unwrap();
    assert_eq!(revoked, 1);
}

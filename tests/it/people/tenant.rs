//! The tenant's own settings.

use serde_json::json;

use super::{refused, times};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_changed_one_by_one_and_what_is_absent_stays() {
    let settings = [
        ("PIDIMA_OIDC_PROVIDERS", "acme"),
        ("PIDIMA_OIDC_ACME_ISSUER", "https://issuer.example"),
        ("PIDIMA_OIDC_ACME_CLIENT_ID", "pidima"),
    ];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("tenant-settings").await;
    let fresh = tenant.get("/v1/tenant").await.expect(200);
    assert_eq!(fresh["id"], tenant.id.to_string());
    assert!(fresh.get("login_providers").is_none());

    tenant.patch("/v1/tenant", &json!({ "name": "Acme" })).await.expect(200);
    let providers = json!({ "login_providers": ["local", "acme", "local"] });
    tenant.patch("/v1/tenant", &providers).await.expect(200);
    let origins =
        json!({ "allowed_origins": ["https://Docs.example.com:443", "https://docs.example.com/"] });
    let changed = tenant.patch("/v1/tenant", &origins).await.expect(200);
    assert_eq!(changed["name"], "Acme");
    assert_eq!(changed["login_providers"], json!(["acme", "local"]));
    assert_eq!(changed["allowed_origins"], json!(["https://docs.example.com"]));
    assert_eq!(tenant.get("/v1/tenant").await.expect(200), changed);
    tenant.patch("/v1/tenant", &json!({})).await.expect(200);
    assert_eq!(times(&app, &tenant, "tenant.changed").await, 3);
    let open = tenant.patch("/v1/tenant", &json!({ "login_providers": null })).await.expect(200);
    assert!(open.get("login_providers").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_there_are_not_and_addresses_that_are_no_origins_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("tenant-bad").await;
    for (body, word) in [
        (json!({ "login_providers": ["okta"] }), "okta"),
        (json!({ "login_providers": [] }), "null"),
        (json!({ "allowed_origins": ["*"] }), "origin"),
        (json!({ "allowed_origins": ["http://docs.example.com"] }), "origin"),
        (json!({ "allowed_origins": ["https://docs.example.com/x"] }), "origin"),
        (json!({ "name": "\u{7}" }), "readable"),
    ] {
        let detail = refused(&tenant.patch("/v1/tenant", &body).await, 422);
        assert!(detail.contains(word), "{detail}");
    }
    let origins = |count: usize| {
        let all: Vec<String> =
            (0..count).map(|number| format!("https://d{number}.example")).collect();
        json!({ "allowed_origins": all })
    };
    for (count, status) in [(49, 200), (50, 200), (51, 422)] {
        tenant.patch("/v1/tenant", &origins(count)).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_not_take_their_own_login_provider_away() {
    let settings = [
        ("PIDIMA_OIDC_PROVIDERS", "acme"),
        ("PIDIMA_OIDC_ACME_ISSUER", "https://issuer.example"),
        ("PIDIMA_OIDC_ACME_CLIENT_ID", "pidima"),
    ];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("tenant-own").await;
    let owner = tenant.as_member("owner").await;
    let away = json!({ "login_providers": ["acme"] });
    let detail = refused(&owner.patch("/v1/tenant", &away).await, 409);
    assert!(detail.contains("lock yourself out"), "{detail}");
    owner.patch("/v1/tenant", &json!({ "login_providers": ["acme", "local"] })).await.expect(200);
    tenant.patch("/v1/tenant", &away).await.expect(200);
}

/// Renames the tenant in a transaction that commits once a change by the service waits for it.
async fn renamed_meanwhile(
    app: &TestApp,
    tenant: &crate::support::TestTenant,
    name: &str,
    change: impl Future<Output = crate::support::Reply>,
) {
    let admin = app.database.admin();
    let mut tx = admin.begin().await.unwrap();
    sqlx::query("update app.tenants set name = $2 where tenant_id = $1")
        .bind(tenant.id.uuid())
        .bind(name)
        .execute(&mut *tx)
        .await
        .unwrap();
    let commit = async {
        crate::support::eventually("the change waits", || async {
            let waiting = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&admin).await.unwrap() > 0
        })
        .await;
        tx.commit().await.unwrap();
    };
    let (reply, ()) = tokio::join!(change, commit);
    reply.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_once_lose_nothing_of_each_other() {
    let app = TestApp::start().await;
    let tenant = app.tenant("at-once").await;
    let origins = json!({ "allowed_origins": ["https://docs.example.com"] });
    renamed_meanwhile(&app, &tenant, "first", tenant.patch("/v1/tenant", &origins)).await;
    let now = tenant.get("/v1/tenant").await.expect(200);
    assert_eq!(
        (&now["name"], &now["allowed_origins"]),
        (&json!("first"), &origins["allowed_origins"])
    );
    let operator = tenant.with_key(&app.operator_key().await);
    let path = format!("/v1/platform/tenants/{}", tenant.id);
    let state = json!({ "state": "suspended" });
    renamed_meanwhile(&app, &tenant, "second", operator.patch(&path, &state)).await;
    assert_eq!(operator.get(&path).await.expect(200)["name"], "second");
}

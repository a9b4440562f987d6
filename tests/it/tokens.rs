//! Access tokens of login providers: forged ones, keys that change, floods of unknown keys, and which tenant they open.

mod claims;
mod flood;
mod forged;
pub mod issuer;
mod keys;
mod limits;
mod tenants;

use chrono::Utc;
use pidima::identity::{Actor, Denied, Identity, Member, Presented, RequestOrigin, Role};
use pidima::kernel::ids::{TenantId, new_id};
use serde_json::{Value, json};

use crate::support::TestApp;
use issuer::{Issuer, TestKey};

/// Client of the browser login in the tests.
const CLIENT: &str = "pidima-web";

/// The application with two providers, `main` and `other`.
struct Setup {
    app: TestApp,
    main: Issuer,
    other: Issuer,
}

impl Setup {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(more: &[(&str, &str)]) -> Self {
        let main = Issuer::start(vec![TestKey::rsa("key-1")]).await;
        let other = Issuer::start(vec![TestKey::other_rsa("key-1")]).await;
        let mut settings = vec![
            ("PIDIMA_OIDC_PROVIDERS", "main,other"),
            ("PIDIMA_OIDC_MAIN_ISSUER", main.url.as_str()),
            ("PIDIMA_OIDC_MAIN_CLIENT_ID", CLIENT),
            ("PIDIMA_OIDC_MAIN_AUDIENCES", "pidima-api,pidima-cli"),
            ("PIDIMA_OIDC_OTHER_ISSUER", other.url.as_str()),
            ("PIDIMA_OIDC_OTHER_CLIENT_ID", CLIENT),
        ];
        settings.extend_from_slice(more);
        let app = TestApp::start_with(
            &settings,
            std::sync::Arc::new(pidima::adapters::models::ExtractiveModel),
        )
        .await;
        Self { app, main, other }
    }

    /// Makes a person of the main provider a member.
    async fn join(&self, tenant: TenantId, subject: &str, role: Role) -> Member {
        self.join_by(&self.main, "main", tenant, subject, role).await
    }

    async fn join_by(
        &self,
        issuer: &Issuer,
        provider: &str,
        tenant: TenantId,
        subject: &str,
        role: Role,
    ) -> Member {
        let member = Member {
            member_id: new_id(),
            provider: provider.to_owned(),
            identity: Identity { issuer: issuer.url.clone(), subject: subject.to_owned() },
            email: None,
            display_name: Some(subject.chars().take(200).collect()),
            role,
            state: "active".to_owned(),
            created_at: Utc::now(),
            last_seen_at: None,
        };
        let mut tx = self.app.app.services.db.tenant(tenant).await.unwrap();
        tx.insert_member(&member).await.unwrap();
        tx.commit().await.unwrap();
        member
    }

    async fn verify(&self, token: &str) -> Result<Actor, Denied> {
        self.verify_in(token, None).await
    }

    async fn verify_in(&self, token: &str, chosen: Option<TenantId>) -> Result<Actor, Denied> {
        let presented = Presented::Bearer(token.to_owned());
        self.app.app.services.verifier.verify(&presented, chosen, RequestOrigin::default()).await
    }

    /// Runs a statement as the superuser.
    async fn sql(&self, statement: &'static str, tenant: TenantId) {
        let admin = self.app.database.admin();
        sqlx::query(statement).bind(tenant.uuid()).execute(&admin).await.unwrap();
    }
}

/// Claims of a token that is good: every test changes one thing.
fn claims(issuer: &Issuer, subject: &str) -> Value {
    let now = Utc::now().timestamp();
    json!({
        "iss": issuer.url,
        "sub": subject,
        "aud": CLIENT,
        "scope": "openid profile",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "jti": new_id(),
    })
}

/// The claims with some of them set; null takes one out.
fn with(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

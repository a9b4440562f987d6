//! An application that browsers log in to, and its people.

use std::sync::Arc;

use chrono::Utc;
use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::identity::{Identity, Member, Role};
use pidima::kernel::ids::new_id;
use serde_json::Value;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::SESSION;
use crate::support::issuers::{Cognito, CognitoPool, Issuer, PASSWORD};
use crate::support::{Browser, Reply, TestApp, TestTenant, Visit, minilm};

/// The application, a tenant, and where browsers find it.
pub struct LoginApp {
    pub app: TestApp,
    pub tenant: TestTenant,
    /// By the name under which browsers take cookies that are `Secure`.
    pub address: String,
    pub issuer: String,
    pub provider: &'static str,
}

impl LoginApp {
    /// With the issuer by the standard.
    pub async fn standard() -> Self {
        Self::standard_with(&[]).await
    }

    pub async fn standard_with(more: &[(&str, &str)]) -> Self {
        let (listener, address) = listen().await;
        let issuer = Issuer::shared().await;
        let settings = issuer.settings(&issuer.client(&address).await);
        Self::start(listener, address, settings, more, issuer.address.clone(), "standard").await
    }

    /// With Cognito's stand-in.
    pub async fn cognito() -> (Self, CognitoPool) {
        let (listener, address) = listen().await;
        let pool = Cognito::shared().await.pool(&address).await;
        let made =
            Self::start(listener, address, pool.settings(), &[], pool.issuer(), "cognito").await;
        (made, pool)
    }

    /// With a provider whose settings the test makes.
    pub async fn start(
        listener: TcpListener,
        address: String,
        mut settings: Vec<(String, String)>,
        more: &[(&str, &str)],
        issuer: String,
        provider: &'static str,
    ) -> Self {
        settings.push(("PIDIMA_PUBLIC_URL".to_owned(), address.clone()));
        let mut pairs: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        pairs.extend_from_slice(more);
        let outside = Outside {
            embedder: Arc::new(minilm().await),
            models: Arc::new(ExtractiveModel).into(),
        };
        let app = TestApp::start_at(listener, &pairs, outside).await;
        let tenant = app.tenant("acme").await;
        Self { app, tenant, address, issuer, provider }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Makes the person of a subject a member.
    pub async fn member(&self, tenant: &TestTenant, subject: &str, role: Role) -> Uuid {
        let member = Member {
            member_id: new_id(),
            provider: self.provider.to_owned(),
            identity: Identity { issuer: self.issuer.clone(), subject: subject.to_owned() },
            email: None,
            display_name: Some(format!("Person {subject}")),
            role,
            state: "active".to_owned(),
            created_at: Utc::now(),
            last_seen_at: None,
        };
        let mut tx = self.app.app.services.db.tenant(tenant.id).await.unwrap();
        tx.insert_member(&member).await.unwrap();
        tx.commit().await.unwrap();
        member.member_id
    }

    /// Goes to the issuer, logs in there by its form, and stops before the way back: the address of the callback.
    pub async fn to_callback(&self, browser: &Browser, path: &str, name: &str) -> Visit {
        // As the link of the page `/login` is followed.
        let own = [("sec-fetch-site", "same-origin")];
        let begun = browser.send(reqwest::Method::GET, &self.at(path), None, &own).await;
        assert_eq!(begun.reply.status, 303, "{}", begun.reply.text());
        let issuer = origin(begun.location().as_str());
        let page = browser.get(begun.location()).await;
        let page = browser.follow_within(page, &issuer).await;
        if page.reply.status.is_redirection() {
            return page;
        }
        let fields = [("login", name), ("username", name), ("password", PASSWORD)];
        let sent = browser.submit(&page, &fields).await;
        browser.follow_within(sent, &issuer).await
    }

    /// Logs in; the reply of the callback.
    pub async fn log_in(&self, browser: &Browser, name: &str) -> Visit {
        let path = format!("/login/{}", self.provider);
        let back = self.to_callback(browser, &path, name).await;
        browser.get(back.location()).await
    }

    /// A browser in which a new member of a role is logged in, and the member.
    pub async fn logged_in(&self, role: Role) -> (Browser, Uuid) {
        let name = format!("p{}", Uuid::new_v4().simple());
        let member_id = self.member(&self.tenant, &name, role).await;
        let browser = Browser::default();
        let entered = self.log_in(&browser, &name).await;
        assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
        (browser, member_id)
    }

    /// What `/v1/me` says to the browser.
    pub async fn me(&self, browser: &Browser) -> Reply {
        browser.get(self.at("/v1/me")).await.reply
    }

    /// As `/v1/me` says to a request with just this cookie.
    pub async fn me_with_cookie(&self, value: &str) -> Reply {
        let browser = Browser::default();
        browser.set_cookie(&self.address, SESSION, value);
        self.me(&browser).await
    }

    pub fn session_cookie(&self, browser: &Browser) -> Option<String> {
        browser.cookie(&self.address, SESSION)
    }

    /// Number of sessions that were ever begun.
    pub async fn sessions(&self) -> i64 {
        self.count("select count(*) from app.browser_sessions").await
    }

    /// Number of logins on their way.
    pub async fn pending(&self) -> i64 {
        self.count("select count(*) from app.pending_logins").await
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.app.database.admin()).await.unwrap()
    }

    /// Actions of the tenant's audit log, with what they say, oldest first.
    pub async fn audit(&self) -> Vec<(String, Option<Value>)> {
        let query =
            "select action, after from app.audit_events where tenant_id = $1 order by sequence";
        let admin = self.app.database.admin();
        sqlx::query_as(query).bind(self.tenant.id.uuid()).fetch_all(&admin).await.unwrap()
    }
}

/// A port of one's own, by the name that browsers use.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    (listener, address)
}

/// Scheme, host and port.
pub fn origin(address: &str) -> String {
    reqwest::Url::parse(address).unwrap().origin().ascii_serialization()
}

/// A page for people with this status, which holds these words.
#[track_caller]
pub fn told(visit: &Visit, status: u16, words: &str) {
    let text = visit.reply.text();
    assert_eq!(visit.reply.status.as_u16(), status, "{}: {text}", visit.url.path());
    assert_eq!(visit.reply.headers["content-type"], "text/html; charset=utf-8", "{text}");
    assert!(text.contains(words), "{text}");
}

//! Whole logins and logouts, through both issuers.

use pidima::identity::Role;

use super::setup::{LoginApp, told};
use super::{LOGIN, SESSION};
use crate::support::{Browser, Visit};

/// Attributes of the cookie that a reply sets, sorted.
fn attributes(visit: &Visit, name: &str) -> Vec<String> {
    let prefix = format!("{name}=");
    let sets = visit.reply.headers.get_all("set-cookie").iter();
    let set = sets.filter_map(|set| set.to_str().ok()).find(|set| set.starts_with(&prefix));
    let set = set.unwrap_or_else(|| panic!("no cookie {name}"));
    let mut attributes: Vec<String> = set.split("; ").skip(1).map(str::to_owned).collect();
    attributes.sort();
    attributes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_logs_in_by_cognitos_hosted_form_and_out_again_at_both_ends() {
    let (it, pool) = LoginApp::cognito().await;
    let subject = pool.person("ada").await;
    let member_id = it.member(&it.tenant, &subject, Role::Editor).await;
    let browser = Browser::default();
    let entered = it.log_in(&browser, "ada").await;
    assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
    assert_eq!(entered.location().as_str(), it.at("/docs"));
    let me = it.me(&browser).await.expect(200);
    assert_eq!(me["id"], member_id.to_string());
    assert_eq!(me["kind"], "member");
    assert_eq!(me["role"], "editor");
    assert_eq!(me["tenant_id"], it.tenant.id.to_string());

    let cookie = it.session_cookie(&browser).unwrap();
    let page = browser.get(it.at("/logout")).await;
    told(&page, 200, "Person");
    let policy = page.reply.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action 'self' {}", pool.address)), "{policy}");
    let out = browser.submit(&page, &[]).await;
    assert_eq!(out.reply.status, 303);
    assert!(out.location().as_str().starts_with(&format!("{}/logout?", pool.address)));
    assert_eq!(out.sent("client_id").as_deref(), Some(pool.client_id.as_str()));
    assert_eq!(out.sent("logout_uri"), Some(it.at("/login")));
    assert_eq!(it.session_cookie(&browser), None);
    // The very cookie is worth nothing any more.
    it.me_with_cookie(&cookie).await.expect(401);
    // And Cognito agrees to where the browser is to go.
    let back = browser.get(out.location()).await;
    assert_eq!(back.location().as_str(), it.at("/login"));
    let actions: Vec<String> = it.audit().await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["login.succeeded", "login.ended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_logs_in_through_an_issuer_by_the_standard_and_out_again() {
    let it = LoginApp::standard().await;
    let (browser, member_id) = it.logged_in(Role::Member).await;
    assert_eq!(it.me(&browser).await.expect(200)["id"], member_id.to_string());
    let page = browser.get(it.at("/logout")).await;
    let out = browser.submit(&page, &[]).await;
    assert!(out.location().as_str().starts_with(&format!("{}/session/end?", it.issuer)));
    assert_eq!(out.sent("post_logout_redirect_uri"), Some(it.at("/login")));
    let asked = browser.get(out.location()).await;
    assert_eq!(asked.reply.status, 200, "{}", asked.reply.text());
    assert!(asked.reply.text().contains("Log out"), "{}", asked.reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_sent_with_fresh_secrets_and_keeps_two_cookies_that_no_script_sees() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "cookie-reader", Role::Member).await;
    let browser = Browser::default();
    let (first, second) =
        (browser.get(it.at("/login/standard")).await, browser.get(it.at("/login/standard")).await);
    for name in ["state", "nonce", "code_challenge"] {
        let (one, other) = (first.sent(name).unwrap(), second.sent(name).unwrap());
        assert_ne!(one, other, "{name}");
        assert!(one.len() >= 43, "{name} holds at least 128 bits: {one}");
    }
    assert_eq!(first.sent("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(first.sent("response_type").as_deref(), Some("code"));
    assert_eq!(first.sent("redirect_uri"), Some(it.at("/login/callback")));
    assert_eq!(first.sent("scope").as_deref(), Some("openid email profile"));
    assert_eq!(
        attributes(&first, LOGIN),
        ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]
    );
    let entered = it.log_in(&browser, "cookie-reader").await;
    assert_eq!(attributes(&entered, SESSION), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    assert_eq!(entered.reply.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_the_issuer_reaches_the_browser_or_the_database() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "tokens", Role::Member).await;
    let browser = Browser::default();
    let entered = it.log_in(&browser, "tokens").await;
    let sent = format!("{:?}{}", entered.reply.headers, entered.reply.text());
    assert!(!sent.contains("eyJ"), "{sent}");
    let dump = "select string_agg(to_jsonb(s)::text, ' ') from app.browser_sessions s";
    let stored: String =
        sqlx::query_scalar(dump).fetch_one(&it.app.database.admin()).await.unwrap();
    assert!(!stored.contains("eyJ"), "{stored}");
    let secret = it.session_cookie(&browser).unwrap().rsplit('.').next().unwrap().to_owned();
    assert!(!stored.contains(&secret), "the cookie's secret is stored");
    assert_eq!(it.pending().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_leads_back_to_a_path_of_this_server_and_to_no_other_place() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "returner", Role::Member).await;
    let cases = [
        ("/v1/me?x=1", "/v1/me?x=1"),
        ("//evil.example/x", "/docs"),
        ("/\\evil.example", "/docs"),
        ("https://evil.example", "/docs"),
        ("javascript:alert(1)", "/docs"),
        ("/\t/evil.example", "/docs"),
        ("/logout", "/docs"),
    ];
    for (asked, expected) in cases {
        let browser = Browser::default();
        let mut url = reqwest::Url::parse(&it.at("/login/standard")).unwrap();
        url.query_pairs_mut().append_pair("return_to", asked);
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        let back = it.to_callback(&browser, &path, "returner").await;
        let entered = browser.get(back.location()).await;
        assert_eq!(entered.location().as_str(), it.at(expected), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_a_browser_that_is_logged_in_makes_a_new_session_and_ends_the_old_one() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let before = it.session_cookie(&browser).unwrap();
    it.member(&it.tenant, "second-person", Role::Analyst).await;
    // The issuer still knows the first person: a fresh browser logs the second in, and its callback is brought over.
    let other = Browser::default();
    let planted = it.session_cookie(&browser).unwrap();
    other.set_cookie(&it.address, SESSION, &planted);
    let entered = it.log_in(&other, "second-person").await;
    assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
    let after = it.session_cookie(&other).unwrap();
    assert_ne!(before, after);
    let id = |cookie: &str| cookie.split('.').nth(1).unwrap().to_owned();
    assert_ne!(id(&before), id(&after), "a session that was there before is never taken over");
    assert_eq!(it.me(&other).await.expect(200)["role"], "analyst");
    it.me_with_cookie(&before).await.expect(401);
}

//! The pages that people see, and what they let into them.

use super::setup::{LoginApp, told};
use crate::support::process::free_port;
use crate::support::{Browser, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_the_logins_and_lets_no_script_in() {
    let it = LoginApp::standard().await;
    let browser = Browser::default();
    let page = browser.get(it.at("/login?return_to=/v1/me%22%3E%3Cscript%3E")).await;
    told(&page, 200, "Log in with standard");
    let text = page.reply.text();
    assert!(!text.contains("<script"), "{text}");
    let policy = page.reply.headers["content-security-policy"].to_str().unwrap();
    for rule in
        ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.reply.headers["cache-control"], "no-store");
    assert!(text.contains("name=\"viewport\""), "{text}");
    told(&browser.get(it.at("/logout")).await, 200, "You are not logged in");
    told(&browser.get(it.at("/login/nowhere")).await, 404, "There is no such login");
    assert_eq!(browser.get(it.at("/login/choice")).await.location().as_str(), it.at("/login"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_only_the_password_is_offered() {
    let app = TestApp::start().await;
    let page = Browser::default().get(format!("{}/login", app.url)).await;
    told(&page, 200, "password");
    assert!(!page.reply.text().contains("Log in with standard"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_told_and_begins_no_login() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let (listener, address) = super::setup::listen().await;
    let settings = crate::support::issuers::provider_settings("AWAY", &nobody, "client");
    let it = LoginApp::start(listener, address, settings, &[], nobody, "away").await;
    let visit = Browser::default().get(it.at("/login/away")).await;
    told(&visit, 503, "can not be reached");
    assert_eq!(it.pending().await, 0);
    it.tenant.get("/v1/me").await.expect(200);
}

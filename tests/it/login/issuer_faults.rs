//! ID tokens and codes that are not for this login, from a real issuer: what we remember of the login is changed instead.

use pidima::identity::Role;

use super::setup::{LoginApp, told};
use crate::support::Browser;

/// A login whose remembered secrets are changed before its callback is called.
async fn refused_after(change: &'static str) {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "ada", Role::Member).await;
    let browser = Browser::default();
    let back = it.to_callback(&browser, "/login/standard", "ada").await;
    sqlx::query(change).execute(&it.app.database.admin()).await.unwrap();
    let visit = browser.get(back.location()).await;
    told(&visit, 400, "is not one that can be trusted");
    assert_eq!(it.session_cookie(&browser), None);
    assert_eq!((it.sessions().await, it.pending().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_with_another_nonce_is_refused() {
    Box::pin(refused_after("update app.pending_logins set nonce = repeat('0', 64)")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_made_for_another_verifier_is_refused_by_the_issuer() {
    Box::pin(refused_after("update app.pending_logins set pkce_verifier = repeat('0', 64)")).await;
}

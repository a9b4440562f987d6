//! The way back from the issuer: states, codes and errors that are missing, foreign, used or too late. Nobody is logged in.

use pidima::identity::Role;
use sqlx::Executor;

use super::setup::{LoginApp, told};
use super::{LOGIN, SESSION};
use crate::support::{Browser, Visit};

/// A login up to the callback, which was not called yet.
async fn ready() -> (LoginApp, Browser, Visit) {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "ada", Role::Member).await;
    let browser = Browser::default();
    let back = it.to_callback(&browser, "/login/standard", "ada").await;
    (it, browser, back)
}

/// Refused with a page, without a session and without a cookie of one.
async fn refused(it: &LoginApp, browser: &Browser, visit: &Visit) {
    told(visit, 400, "This login can not be finished");
    assert!(!visit.reply.headers.contains_key("set-cookie"));
    assert_eq!(it.session_cookie(browser), None);
    assert_eq!(it.sessions().await, 0);
}

/// The callback with one value of its query changed, or left out.
fn changed(back: &Visit, name: &str, value: Option<&str>) -> String {
    let mut url = back.location();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut().clear();
    for (key, old) in pairs {
        if key != name {
            url.query_pairs_mut().append_pair(&key, &old);
        }
    }
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_good_once() {
    let (it, browser, back) = ready().await;
    let first = browser.get(back.location()).await;
    assert_eq!(first.reply.status, 303, "{}", first.reply.text());
    let again = browser.get(back.location()).await;
    told(&again, 400, "was finished before");
    assert_eq!(it.sessions().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_comes_ten_times_at_once_makes_one_session() {
    let (it, browser, back) = ready().await;
    let url = back.location();
    let all = futures_util::future::join_all((0..10).map(|_| browser.get(&url))).await;
    let entered = all.iter().filter(|visit| visit.reply.status == 303).count();
    assert_eq!(entered, 1);
    assert_eq!(it.sessions().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_missing_or_made_up_is_refused_and_the_real_one_stays_good() {
    let (it, browser, back) = ready().await;
    let made_up = "0".repeat(64);
    let long = "a".repeat(5_000);
    for state in [None, Some(""), Some("x"), Some("' or 1=1 --"), Some(&made_up), Some(&long)] {
        let visit = browser.get(changed(&back, "state", state)).await;
        refused(&it, &browser, &visit).await;
    }
    assert_eq!(browser.get(back.location()).await.reply.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_browser_is_refused_with_and_without_a_login_of_its_own() {
    let (it, browser, back) = ready().await;
    let stranger = Browser::default();
    let visit = stranger.get(back.location()).await;
    refused(&it, &stranger, &visit).await;
    // Somebody who was led to the callback of an attacker has a login of their own on its way.
    stranger.get(it.at("/login/standard")).await;
    assert!(stranger.cookie(&it.address, LOGIN).is_some());
    let visit = stranger.get(back.location()).await;
    refused(&it, &stranger, &visit).await;
    assert_eq!(browser.get(back.location()).await.reply.status, 303, "the owner is not harmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cookies_of_one_name_are_as_none() {
    let (it, browser, back) = ready().await;
    let own = browser.cookie(&it.address, LOGIN).unwrap();
    let stranger = Browser::default();
    let both = format!("{LOGIN}={own}; {LOGIN}={}", "0".repeat(64));
    let visit = stranger
        .send(reqwest::Method::GET, back.location().as_str(), None, &[("cookie", &both)])
        .await;
    refused(&it, &stranger, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_took_longer_than_its_time_is_refused() {
    let (it, browser, back) = ready().await;
    let admin = it.app.database.admin();
    let times: (i64,) = sqlx::query_as(
        "select extract(epoch from expires_at - created_at)::bigint from app.pending_logins",
    )
    .fetch_one(&admin)
    .await
    .unwrap();
    assert_eq!(times.0, 600);
    admin.execute("update app.pending_logins set expires_at = now()").await.unwrap();
    let visit = browser.get(back.location()).await;
    refused(&it, &browser, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_has_five_logins_on_their_way_and_the_oldest_gives_way() {
    let (it, browser, back) = ready().await;
    for _ in 0..4 {
        browser.get(it.at("/login/standard")).await;
    }
    assert_eq!(it.pending().await, 5);
    let sixth = browser.get(it.at("/login/standard")).await;
    assert_eq!(sixth.reply.status, 303);
    assert_eq!(it.pending().await, 5);
    let visit = browser.get(back.location()).await;
    refused(&it, &browser, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_missing_made_up_or_redeemed_before_is_refused_and_the_login_is_over() {
    for code in [None, Some(""), Some("made-up"), Some(&*"x".repeat(4_097))] {
        let (it, browser, back) = ready().await;
        let visit = browser.get(changed(&back, "code", code)).await;
        refused(&it, &browser, &visit).await;
        let again = browser.get(back.location()).await;
        refused(&it, &browser, &again).await;
    }
    // A code of one login, brought to the callback of another: the verifier is not the one it was made for.
    let (it, browser, first) = ready().await;
    let second = it.to_callback(&browser, "/login/standard", "ada").await;
    let code = first.sent("code").unwrap();
    let visit = browser.get(changed(&second, "code", Some(&code))).await;
    refused(&it, &browser, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_the_name_of_another_issuer_is_refused() {
    for issuer in [None, Some("https://evil.example"), Some("")] {
        let (it, browser, back) = ready().await;
        assert_eq!(back.sent("iss"), Some(it.issuer.clone()), "the issuer names itself");
        let visit = browser.get(changed(&back, "iss", issuer)).await;
        refused(&it, &browser, &visit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_issuer_is_told_without_repeating_its_words() {
    let it = LoginApp::standard().await;
    let browser = Browser::default();
    let begun = browser.get(it.at("/login/standard")).await;
    let page = browser.follow_within(browser.get(begun.location()).await, &it.issuer).await;
    let sent = browser.submit(&page, &[("refuse", "yes")]).await;
    let back = browser.follow_within(sent, &it.issuer).await;
    assert_eq!(back.sent("error").as_deref(), Some("access_denied"));
    let visit = browser.get(back.location()).await;
    told(&visit, 400, "It said: access_denied.");
    assert_eq!(it.session_cookie(&browser), None);
    told(&browser.get(back.location()).await, 400, "was finished before");

    let begun = browser.get(it.at("/login/standard")).await;
    let state = begun.sent("state").unwrap();
    let evil = "<script>alert(1)</script>";
    let mut url = reqwest::Url::parse(&it.at("/login/callback")).unwrap();
    url.query_pairs_mut()
        .append_pair("state", &state)
        .append_pair("iss", &it.issuer)
        .append_pair("error", evil)
        .append_pair("error_description", evil);
    let visit = browser.get(url).await;
    told(&visit, 400, "It said: an error of its own.");
    assert!(!visit.reply.text().contains("alert"), "{}", visit.reply.text());
    // An error with a state that nobody began is as any other stray callback.
    let stray = browser.get(it.at("/login/callback?error=access_denied&state=x")).await;
    refused(&it, &browser, &stray).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_comes_twice_or_is_no_text_is_no_fault_of_ours() {
    let (it, browser, back) = ready().await;
    let state = back.sent("state").unwrap();
    for query in [
        format!("state={state}&state={state}&code=x"),
        "state=%ff%fe&code=%00".to_owned(),
        "state[]=x".to_owned(),
        "code=x".to_owned(),
    ] {
        let visit = browser.get(it.at(&format!("/login/callback?{query}"))).await;
        let status = visit.reply.status.as_u16();
        assert!((400..500).contains(&status), "{query}: {status} {}", visit.reply.text());
        assert!(!visit.reply.headers.contains_key("set-cookie"), "{query}");
    }
    assert_eq!(it.sessions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_that_was_planted_is_not_taken_over() {
    let (it, browser, back) = ready().await;
    let planted = format!("{}.{}.{}", "1".repeat(32), "2".repeat(32), "3".repeat(64));
    browser.set_cookie(&it.address, SESSION, &planted);
    let entered = browser.get(back.location()).await;
    assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
    let cookie = it.session_cookie(&browser).unwrap();
    assert_ne!(cookie, planted);
    for part in planted.split('.') {
        assert!(!cookie.contains(part), "{cookie}");
    }
    it.me_with_cookie(&planted).await.expect(401);
}

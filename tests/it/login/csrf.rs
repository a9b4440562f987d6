//! Requests that another site makes a logged-in browser send, cookies that were planted, credentials that are mixed.

use pidima::identity::Role;
use reqwest::{Method, StatusCode};

use super::SESSION;
use super::setup::LoginApp;
use crate::support::{Browser, TestApp};

/// A write with the cookie and these headers; its status.
async fn write(it: &LoginApp, browser: &Browser, headers: &[(&str, &str)]) -> StatusCode {
    let url = it.at("/v1/browser_sessions");
    browser.send(Method::DELETE, &url, None, headers).await.reply.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_by_the_cookie_is_taken_from_pages_of_this_server_alone() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let own = it.address.clone();
    for foreign in [
        vec![],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        vec![("origin", "null")],
        vec![("origin", "http://evil.example")],
        vec![("origin", "http://localhost")],
        vec![("content-type", "text/plain")],
    ] {
        assert_eq!(write(&it, &browser, &foreign).await, 403, "{foreign:?}");
    }
    it.me(&browser).await.expect(200);
    assert_eq!(write(&it, &browser, &[("origin", own.as_str())]).await, 204);
    assert_eq!(write(&it, &browser, &[("sec-fetch-site", "same-origin")]).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_logs_nobody_out_and_chooses_nothing() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    for path in ["/logout", "/login/choice"] {
        for headers in [vec![("sec-fetch-site", "cross-site")], vec![("origin", "null")], vec![]] {
            let visit = browser.send(Method::POST, &it.at(path), Some(&[]), &headers).await;
            assert_eq!(visit.reply.status, 403, "{path} {headers:?}");
            assert!(!visit.reply.headers.contains_key("set-cookie"), "{path}");
        }
    }
    // A link of another site opens the page that asks, and ends nothing.
    let (url, headers) = (it.at("/logout"), [("sec-fetch-site", "cross-site")]);
    let page = browser.send(Method::GET, &url, None, &headers).await;
    assert_eq!(page.reply.status, 200);
    it.me(&browser).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_as_a_form_of_another_site_can_send_it_is_read_by_no_operation() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let cookie = it.session_cookie(&browser).unwrap();
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let sent = reqwest::Client::new()
            .post(it.at("/v1/sessions"))
            .header("cookie", format!("{SESSION}={cookie}"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", content_type)
            .body("{\"title\": \"planted\"}");
        assert_eq!(sent.send().await.unwrap().status(), 415, "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_credential_counts_before_the_cookie_and_a_good_cookie_helps_no_bad_one() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let me = |authorization: String| {
        let (browser, url) = (&browser, it.at("/v1/me"));
        async move {
            let headers = [("authorization", authorization.as_str())];
            browser.send(Method::GET, &url, None, &headers).await.reply
        }
    };
    assert_eq!(me(format!("Bearer {}", it.tenant.key)).await.expect(200)["kind"], "api_key");
    me("Bearer pdm_x".to_owned()).await.expect(401);
    me("Basic eDp5".to_owned()).await.expect(401);
    me(String::new()).await.expect(401);
    // The value of the cookie is no bearer credential.
    me(format!("Bearer {}", it.session_cookie(&browser).unwrap())).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cookies_of_one_name_and_forged_ones_are_refused() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let good = it.session_cookie(&browser).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let other: &TestApp = &it.app;
    let stranger = other.tenant("other").await.id.uuid().simple().to_string();
    let get = |cookie: String| {
        let url = it.at("/v1/me");
        async move {
            let sent = reqwest::Client::new().get(url).header("cookie", cookie);
            sent.send().await.unwrap().status()
        }
    };
    assert_eq!(get(format!("{SESSION}={good}")).await, 200);
    for cookie in [
        format!("{SESSION}={good}; {SESSION}={good}"),
        format!("{SESSION}=x; {SESSION}={good}"),
        format!("{SESSION}={good}; a=b; {SESSION}=x"),
        format!("__host-pidima={good}"),
        format!("pidima={good}"),
        format!("{SESSION}={stranger}.{}.{}", parts[1], parts[2]),
        format!("{SESSION}={}.{}.{}", parts[0], parts[1], "0".repeat(64)),
        format!("{SESSION}={}.{}", parts[0], parts[1]),
        format!("{SESSION}={}", good.to_uppercase()),
        format!("{SESSION}={good}."),
        format!("{SESSION}={}", "a".repeat(6_000)),
    ] {
        assert_eq!(get(cookie.clone()).await, 401, "{}", &cookie[..cookie.len().min(120)]);
    }
}

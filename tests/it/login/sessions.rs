//! Sessions of browsers: how long they last, who sees them, who ends them.

use pidima::identity::Role;
use reqwest::Method;
use serde_json::Value;

use super::SESSION;
use super::setup::LoginApp;
use crate::support::{Browser, Reply};

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

async fn list(it: &LoginApp, browser: &Browser, query: &str) -> Value {
    browser.get(it.at(&format!("/v1/browser_sessions{query}"))).await.reply.expect(200)
}

async fn end(it: &LoginApp, browser: &Browser, path: &str) -> Reply {
    let headers = [("sec-fetch-site", "same-origin")];
    browser.send(Method::DELETE, &it.at(path), None, &headers).await.reply
}

/// Sets a time of the one session.
async fn set(it: &LoginApp, assignment: &'static str) {
    let update = format!("update app.browser_sessions set {assignment}");
    sqlx::query(sqlx::AssertSqlSafe(update)).execute(&it.app.database.admin()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions_and_nobody_elses() {
    let it = LoginApp::standard().await;
    let (first, _) = it.logged_in(Role::Member).await;
    let (other, other_id) = it.logged_in(Role::Editor).await;
    let own = list(&it, &first, "").await;
    assert_eq!(ids(&own).len(), 1);
    assert_eq!(own["items"][0]["current"], true);
    assert_eq!(own["items"][0]["provider"], "standard");
    let of_other = list(&it, &other, "").await;
    assert_eq!(of_other["items"][0]["member_id"], other_id.to_string());
    let asked = first.get(it.at(&format!("/v1/browser_sessions?member_id={other_id}"))).await.reply;
    asked.expect(403);
    let path = format!("/v1/browser_sessions/{}", ids(&of_other)[0]);
    let foreign = end(&it, &first, &path).await.expect(404);
    let absent = format!("/v1/browser_sessions/{}", uuid::Uuid::now_v7());
    let absent = end(&it, &first, &absent).await.expect(404);
    assert_eq!(foreign["detail"], absent["detail"]);
    it.me(&other).await.expect(200);
    let path = format!("/v1/browser_sessions/{}", ids(&own)[0]);
    end(&it, &first, &path).await.expect(204);
    it.me(&first).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_all_sessions_and_a_session_that_is_ended_is_refused_at_once() {
    let it = LoginApp::standard().await;
    let (member, member_id) = it.logged_in(Role::Member).await;
    let (admin, _) = it.logged_in(Role::Admin).await;
    // Verified a moment ago, so that it would be trusted for some seconds.
    it.me(&member).await.expect(200);
    assert_eq!(ids(&list(&it, &admin, "").await).len(), 2);
    let found = list(&it, &admin, &format!("?member_id={member_id}")).await;
    let path = format!("/v1/browser_sessions/{}", ids(&found)[0]);
    end(&it, &admin, &path).await.expect(204);
    it.me(&member).await.expect(401);
    end(&it, &admin, &path).await.expect(204);
    let ended =
        it.audit().await.into_iter().filter(|(action, _)| action == "browser_session.ended");
    assert_eq!(ended.count(), 1, "ending it again tells nothing new");
    assert_eq!(ids(&list(&it, &admin, "").await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_ends_all_their_sessions_but_the_one_that_asks() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "many", Role::Member).await;
    let (first, second) = (Browser::default(), Browser::default());
    it.log_in(&first, "many").await;
    it.log_in(&second, "many").await;
    let (bystander, _) = it.logged_in(Role::Member).await;
    it.me(&second).await.expect(200);
    end(&it, &first, "/v1/browser_sessions").await.expect(204);
    it.me(&first).await.expect(200);
    it.me(&second).await.expect(401);
    it.me(&bystander).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_not_used_ends_after_its_idle_time() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    set(&it, "last_seen_at = now() - interval '29 minutes 55 seconds'").await;
    it.me(&browser).await.expect(200);
    let (browser, _) = it.logged_in(Role::Member).await;
    set(&it, "last_seen_at = now() - interval '30 minutes 1 second'").await;
    it.me(&browser).await.expect(401);
    assert!(
        it.tenant.get("/v1/browser_sessions").await.expect(200)["items"] == serde_json::json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_its_end_however_much_it_is_used() {
    let it = LoginApp::standard().await;
    let (browser, _) = it.logged_in(Role::Member).await;
    let lifetime =
        "select extract(epoch from expires_at - created_at)::bigint from app.browser_sessions";
    let lifetime: i64 =
        sqlx::query_scalar(lifetime).fetch_one(&it.app.database.admin()).await.unwrap();
    assert_eq!(lifetime, 12 * 3_600);
    set(&it, "expires_at = now() + interval '5 seconds'").await;
    it.me(&browser).await.expect(200);
    let (browser, _) = it.logged_in(Role::Member).await;
    set(&it, "expires_at = now()").await;
    it.me(&browser).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_member_is_kept_out_of_sessions_and_logins() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "out", Role::Member).await;
    let suspend = "update app.members set state = 'suspended'";
    sqlx::query(suspend).execute(&it.app.database.admin()).await.unwrap();
    let browser = Browser::default();
    let visit = it.log_in(&browser, "out").await;
    super::setup::told(&visit, 403, "You are kept out");
    assert_eq!(browser.cookie(&it.address, SESSION), None);
    let actions: Vec<String> = it.audit().await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["login.refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_refused_once_its_provider_is_not_admitted_or_not_there_any_more() {
    let it = LoginApp::standard().await;
    let admin = it.app.database.admin();
    for (taken, given) in [
        (
            "update app.tenants set login_providers = '{local}'",
            "update app.tenants set login_providers = null",
        ),
        (
            "update app.browser_sessions set provider = 'gone'",
            "update app.browser_sessions set provider = 'standard'",
        ),
    ] {
        let (browser, _) = it.logged_in(Role::Member).await;
        it.me(&browser).await.expect(200);
        sqlx::query(taken).execute(&admin).await.unwrap();
        crate::support::eventually("the session is refused", || async {
            it.me(&browser).await.status == 403
        })
        .await;
        sqlx::query(given).execute(&admin).await.unwrap();
        it.me(&browser).await.expect(200);
    }
}

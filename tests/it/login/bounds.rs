//! How many logins an address begins, and how many are on their way.

use sqlx::Executor;

use super::setup::{LoginApp, told};
use crate::support::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn both_legs_of_a_login_count_for_the_address_and_the_page_of_the_login_does_not() {
    let settings = [("PIDIMA_LIMIT_LOGIN_BURST", "4"), ("PIDIMA_LIMIT_LOGIN_PER_MINUTE", "1")];
    let it = LoginApp::standard_with(&settings).await;
    let limit = async |path: &str| {
        let visit = Browser::default().get(it.at(path)).await;
        let policy = visit.reply.headers["ratelimit-policy"].to_str().unwrap().to_owned();
        (visit.reply.status.as_u16(), policy.split('"').nth(1).unwrap().to_owned())
    };
    let counted = |status: u16| (status, "login".to_owned());
    assert_eq!(limit("/login/standard").await, counted(303));
    assert_eq!(limit("/login/callback?state=x&code=y").await, counted(400));
    assert_eq!(limit("/login/nobody").await, counted(404));
    assert_eq!(limit("/login/standard").await, counted(303));
    for path in ["/login/standard", "/login/callback", "/login/nobody"] {
        assert_eq!(limit(path).await, counted(429), "{path}");
    }
    for path in ["/login", "/login/local", "/v1/me"] {
        let (status, name) = limit(path).await;
        assert!(status != 429 && name != "login", "{path}: {status} {name}");
    }
    assert_eq!(it.pending().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_login_more_than_there_may_be_is_refused_until_the_time_of_one_is_over() {
    let it = LoginApp::standard_with(&[("PIDIMA_MAX_PENDING_LOGINS", "3")]).await;
    let begin = async || Browser::default().get(it.at("/login/standard")).await;
    for _ in 0..3 {
        assert_eq!(begin().await.reply.status, 303);
    }
    let refused = begin().await;
    told(&refused, 503, "Try again");
    assert_eq!(refused.reply.headers["retry-after"], "60");
    assert_eq!(it.pending().await, 3);
    let over = "update app.pending_logins set expires_at = now() - interval '1 second'
        where pending_login_id = (select min(pending_login_id::text)::uuid from app.pending_logins)";
    it.app.database.admin().execute(over).await.unwrap();
    assert_eq!(begin().await.reply.status, 303);
    assert_eq!(it.pending().await, 3);
    told(&begin().await, 503, "Try again");
}

//! Logins that were begun and never finished.

use sqlx::Executor;

use super::setup::LoginApp;
use crate::support::{Browser, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_removes_logins_whose_time_is_over_and_no_others() {
    let it = LoginApp::standard().await;
    Browser::default().get(it.at("/login/standard")).await;
    let over = "update app.pending_logins set expires_at = now() - interval '1 second'";
    it.app.database.admin().execute(over).await.unwrap();
    Browser::default().get(it.at("/login/standard")).await;
    assert_eq!(it.pending().await, 2);
    it.app.start_worker();
    let it = &it;
    eventually("the old one is gone", || async move { it.pending().await == 1 }).await;
}

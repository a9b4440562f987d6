//! A worker that is asked to stop: it ends in a moment, and another one goes on as if nothing had been.

use std::time::Duration;

use pidima::sources::SyncOutcome;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::site::{Page, Site};
use super::{ask, counts, crawl, idle_app, reason, show, source};
use crate::support::{TestApp, TestTenant, eventually};

pub(super) const AT_ONCE: SyncOutcome = SyncOutcome::Later(Duration::ZERO);

async fn chain() -> Site {
    Site::start(&[
        ("/", Page::html("Start", &["/1"], "Begin here.")),
        ("/1", Page::html("One", &["/2"], "The first one.")),
        ("/2", Page::html("Two", &[], "The second one.")),
    ])
    .await
}

pub(super) async fn slice(
    app: &TestApp,
    tenant: &TestTenant,
    run: Uuid,
    stop: &CancellationToken,
) -> SyncOutcome {
    app.app.worker.sources.sync(tenant.id, run, stop).await.unwrap()
}

/// Another worker does the rest; the run then.
pub(super) async fn rest(
    app: &TestApp,
    tenant: &TestTenant,
    source: &str,
    run: &str,
) -> serde_json::Value {
    let never = CancellationToken::new();
    let id: Uuid = run.parse().unwrap();
    eventually("the run is done", || async {
        slice(app, tenant, id, &never).await == SyncOutcome::Done
    })
    .await;
    show(tenant, source, run).await
}

#[tokio::test]
async fn the_page_in_hand_is_taken_in_and_no_other_one_is_begun() {
    let site = chain().await;
    let app = idle_app(&site, &[("PIDIMA_SOURCE_MAX_ATTEMPTS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let (run, stop) = (id.parse().unwrap(), CancellationToken::new());
    site.hold();
    let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
        site.wait(1).await;
        stop.cancel();
        site.open();
    });
    assert_eq!(outcome, AT_ONCE);
    assert_eq!(site.asked().len(), 1);
    assert_eq!(counts(&show(&tenant, &source, &id).await), [1, 1, 0, 0, 0, 0, 0]);
    // Who was asked before it began does nothing at all.
    assert_eq!(slice(&app, &tenant, run, &stop).await, AT_ONCE);
    assert!(site.asked().is_empty());
    let ended = rest(&app, &tenant, &source, &id).await;
    assert_eq!(reason(&ended), ("completed", ""));
    assert_eq!(counts(&ended), [3, 3, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_page_that_does_not_answer_is_given_back_and_has_not_failed() {
    let site = chain().await;
    let settings = [("PIDIMA_SOURCE_MAX_ATTEMPTS", "1"), ("PIDIMA_SOURCE_STOP_GRACE_MS", "1")];
    let app = idle_app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let run = id.parse().unwrap();
    site.hold();
    for asked in 1..=3 {
        let stop = CancellationToken::new();
        let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
            site.wait(asked).await;
            stop.cancel();
        });
        assert_eq!(outcome, AT_ONCE);
    }
    site.open();
    let ended = rest(&app, &tenant, &source, &id).await;
    assert_eq!(reason(&ended), ("completed", ""));
    assert_eq!(counts(&ended), [3, 3, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_run_that_waits_long_for_its_turn_at_a_site_leaves_its_place_to_others_and_holds_up_no_stop()
 {
    let site = chain().await;
    let settings = [("PIDIMA_SOURCE_DELAY_MS", "60000"), ("PIDIMA_SOURCE_STOP_GRACE_MS", "1")];
    let app = idle_app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(app.app.worker.clone().run(stop.clone()));
    let admin = app.database.admin();
    eventually("nobody holds the run", || async {
        let free =
            "select count(*) from app.source_runs where robots is not null and lease_token is null";
        let count: i64 = sqlx::query_scalar(free).fetch_one(&admin).await.unwrap();
        count == 1
    })
    .await;
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(30), worker).await;
    ended.expect("it ends").expect("without a fault");
    assert!(site.asked().is_empty(), "its turn came");
    let waiting: (String, i32) = sqlx::query_as("select state, attempts from app.source_pages")
        .fetch_one(&admin)
        .await
        .unwrap();
    assert_eq!(waiting, ("waiting".to_owned(), 0));
    assert_eq!(show(&tenant, &source, &id).await["run"]["state"], "running");
}

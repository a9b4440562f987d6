//! Runs that are cut: a worker dies, somebody cancels, a message comes twice. The end is as without it.

use std::time::Duration;

use pidima::sources::SyncOutcome;
use pidima::worker::reconcile_source_runs;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::site::{Page, Site};
use super::{app, ask, counts, crawl, documents, ended, idle_app, reason, show, source};
use crate::api::problem;
use crate::support::{TestApp, TestTenant, eventually};

async fn chain() -> Site {
    Site::start(&[
        ("/", Page::html("Start", &["/1"], "Begin here.")),
        ("/1", Page::html("One", &["/2"], "The first one.")),
        ("/2", Page::html("Two", &["/3"], "The second one.")),
        ("/3", Page::html("Three", &[], "The third one.")),
    ])
    .await
}

/// Works on the run for a slice.
async fn slice(app: &TestApp, tenant: &TestTenant, run: Uuid) -> SyncOutcome {
    let never = CancellationToken::new();
    app.app.worker.sources.sync(tenant.id, run, &never).await.unwrap()
}

/// Works on the run until nothing is left of it.
async fn work(app: &TestApp, tenant: &TestTenant, run: Uuid) {
    eventually("the run is done", || async { slice(app, tenant, run).await == SyncOutcome::Done })
        .await;
}

#[tokio::test]
async fn a_run_whose_worker_dies_in_the_middle_of_each_page_ends_as_any_other() {
    let site = chain().await;
    let app =
        idle_app(&site, &[("PIDIMA_SOURCE_SLICE_MS", "1"), ("PIDIMA_SOURCE_MAX_ATTEMPTS", "3")])
            .await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    for page in 1..=4 {
        // A page is asked for and not answered; then the worker is gone.
        site.hold();
        tokio::select! {
            () = site.wait(1) => {}
            () = async { loop { slice(&app, &tenant, run).await; } } => {}
        }
        site.open();
        // Another one waits until the lease of the dead is over.
        assert!(matches!(slice(&app, &tenant, run).await, SyncOutcome::Later(_)));
        let over = "update app.source_runs set lease_expires_at = now()";
        sqlx::query(over).execute(&app.database.admin()).await.unwrap();
        eventually("the page is taken in", || async {
            slice(&app, &tenant, run).await;
            counts(&show(&tenant, &source, &id).await)[0] == page
        })
        .await;
        site.asked();
    }
    work(&app, &tenant, run).await;
    let ended = show(&tenant, &source, &id).await;
    assert_eq!(reason(&ended), ("completed", ""));
    assert_eq!(counts(&ended), [4, 4, 0, 0, 0, 0, 0]);
    let versions: Vec<i64> = documents(&tenant, &site).await.into_values().collect();
    assert_eq!(versions, [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_page_at_which_every_worker_dies_is_given_up_and_the_run_is_not_complete() {
    let site = chain().await;
    let app = idle_app(&site, &[("PIDIMA_SOURCE_MAX_ATTEMPTS", "2")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    for attempt in 1..=2 {
        site.hold();
        tokio::select! {
            () = site.wait(attempt) => {}
            outcome = slice(&app, &tenant, run) => panic!("{outcome:?}"),
        }
        let over = "update app.source_runs set lease_expires_at = now()";
        sqlx::query(over).execute(&app.database.admin()).await.unwrap();
    }
    site.open();
    work(&app, &tenant, run).await;
    let ended = show(&tenant, &source, &id).await;
    assert_eq!(reason(&ended), ("failed", "worker_lost"));
    // Nobody asked a third time.
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn a_message_that_comes_several_times_and_at_once_does_its_work_once() {
    let site = chain().await;
    let app = idle_app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    let job = || slice(&app, &tenant, run);
    let (one, two, three) = tokio::join!(job(), job(), job());
    let outcomes = [one, two, three];
    assert!(outcomes.contains(&SyncOutcome::Done), "{outcomes:?}");
    for _ in 0..2 {
        assert_eq!(job().await, SyncOutcome::Done);
    }
    assert_eq!(counts(&show(&tenant, &source, &id).await), [4, 4, 0, 0, 0, 0, 0]);
    assert_eq!(site.asked().len(), 4);
    // A run of another tenant is none.
    let other = app.tenant("other").await;
    assert_eq!(slice(&app, &other, run).await, SyncOutcome::Done);
}

#[tokio::test]
async fn a_run_that_is_cancelled_goes_no_further_and_keeps_what_came_in() {
    let site = chain().await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let path = format!("/v1/sources/{source}");
    site.hold();
    let run = ask(&tenant, &source).await;
    site.wait(1).await;
    problem(&tenant.post(&format!("{path}/sync"), &Value::Null).await, 409, "conflict");
    // As long as a worker waits for a page, it might still bring it in.
    problem(&tenant.delete(&path).await, 409, "conflict");
    let cancel = format!("{path}/runs/{run}/cancel");
    for _ in 0..2 {
        let shown = tenant.post(&cancel, &Value::Null).await.expect(200);
        assert_eq!(
            (&shown["state"], &shown["reason"]["code"]),
            (&"cancelled".into(), &"cancelled".into())
        );
    }
    problem(&tenant.delete(&path).await, 409, "conflict");
    site.open();
    eventually("the worker lets go", || async {
        tenant.delete(&format!("{path}?documents=delete")).await.status == 204
    })
    .await;
    assert_eq!(site.asked().len(), 1);
    // Also what came in at the very last.
    assert!(documents(&tenant, &site).await.is_empty());
    assert_eq!(tenant.get(&path).await.status, 404);
}

#[tokio::test]
async fn of_a_run_that_is_cancelled_as_many_pages_are_kept_as_of_any_other() {
    let links: Vec<String> = (0..6).map(|number| format!("/{number}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    let site = Site::start(&[("/", Page::html("Start", &links, "Begin here."))]).await;
    let settings = [("PIDIMA_SOURCE_KEEP_PAGES", "2"), ("PIDIMA_SOURCE_DELAY_MS", "50")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = ask(&tenant, &source).await;
    site.wait(5).await;
    site.hold();
    let cancel = format!("/v1/sources/{source}/runs/{run}/cancel");
    tenant.post(&cancel, &Value::Null).await.expect(200);
    let pages = show(&tenant, &source, &run).await["pages"].as_array().unwrap().len();
    assert_eq!(pages, 2);
    let count = "select count(*) from app.source_pages";
    let kept: i64 = sqlx::query_scalar(count).fetch_one(&app.database.admin()).await.unwrap();
    assert_eq!(kept, 2);
    site.open();
}

#[tokio::test]
async fn a_run_that_never_comes_to_its_end_is_ended() {
    let site = chain().await;
    let app = idle_app(&site, &[("PIDIMA_SOURCE_MAX_RUN_MS", "600000")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    // A worker took it long ago, and each one since died before it looked at the first page.
    let long_ago = "update app.source_runs set started_at = now() - interval '71 minutes'";
    sqlx::query(long_ago).execute(&app.database.admin()).await.unwrap();
    let outcome = slice(&app, &tenant, run).await;
    assert_eq!(outcome, SyncOutcome::Done);
    assert_eq!(reason(&show(&tenant, &source, &id).await), ("partial", "time_limit"));
    assert!(site.asked().is_empty());
}

#[tokio::test]
async fn a_run_that_fails_each_time_is_given_up() {
    let site = chain().await;
    let app = idle_app(&site, &[("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let admin = app.database.admin();
    // As a newer version writes it, which this one can not read.
    let newer = "update app.sources set configuration = configuration - 'url'";
    sqlx::query(newer).execute(&admin).await.unwrap();
    eventually("it is given up", || async {
        app.app.worker.run_until_idle().await.unwrap();
        sqlx::query("update app.jobs set visible_at = now()").execute(&admin).await.unwrap();
        let state: String = sqlx::query_scalar("select state from app.source_runs")
            .fetch_one(&admin)
            .await
            .unwrap();
        state == "failed"
    })
    .await;
    let back = "update app.sources set configuration = configuration || '{\"url\": \"http://127.0.0.1/\"}'";
    sqlx::query(back).execute(&admin).await.unwrap();
    assert_eq!(reason(&show(&tenant, &source, &id).await), ("failed", "worker_lost"));
}

#[tokio::test]
async fn a_run_without_a_message_is_found_and_one_that_is_set_aside_is_given_up() {
    let site = chain().await;
    let app = idle_app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let id = ask(&tenant, &source).await;
    let admin = app.database.admin();
    let db = &app.app.services.db;
    let lost_after = Duration::from_secs(60);
    assert_eq!(reconcile_source_runs(db, lost_after).await.unwrap(), 0);
    sqlx::query("delete from app.outbox").execute(&admin).await.unwrap();
    assert_eq!(reconcile_source_runs(db, lost_after).await.unwrap(), 0);
    sqlx::query("update app.source_runs set touched_at = now() - interval '1 hour'")
        .execute(&admin)
        .await
        .unwrap();
    assert_eq!(reconcile_source_runs(db, lost_after).await.unwrap(), 1);
    assert_eq!(reconcile_source_runs(db, lost_after).await.unwrap(), 0);
    let sources = &app.app.worker.sources;
    let run: Uuid = id.parse().unwrap();
    assert!(sources.abandon(tenant.id, run).await.unwrap());
    let given_up = ended(&tenant, &source, &id).await;
    assert_eq!(reason(&given_up), ("failed", "worker_lost"));
    assert!(sources.abandon(tenant.id, run).await.unwrap());
    assert_eq!(slice(&app, &tenant, run).await, SyncOutcome::Done);
}

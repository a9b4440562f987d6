//! What a run keeps: documents of others, its place when its worker goes away, and no archive when it is over.

use std::time::Duration;

use pidima::sources::SyncOutcome;
use pidima::worker::reconcile_versions;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::{ask, counts, documents, noted, reason, show, source, sync};
use super::made::{MadeArchive, file};
use super::{Site, app, archive, folder, idle_app, sent, text};
use crate::support::eventually;

#[tokio::test]
async fn a_document_that_others_made_is_not_written_over() {
    let mut other = MadeArchive::default();
    other.push(file("x/README.md", "# Other\n\nIt is told in other words."));
    other.push(file("x/b.md", "# B\n\nThe second one."));
    let site = Site::start(&[
        ("/one", sent(folder("repo", &["README.md", "a.md"]).zip())),
        ("/two", sent(other.zip())),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let one = source(&tenant, &archive(&site, "/one")).await;
    let two = source(&tenant, &archive(&site, "/two")).await;
    sync(&tenant, &one).await;
    for _ in 0..2 {
        let run = sync(&tenant, &two).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(noted(&run, &site)["README.md"], "name_taken");
    }
    assert_eq!(documents(&tenant, &site).await["README.md"], 1);
    // With names of its own it has a document of its own.
    let mut configuration = archive(&site, "/two");
    configuration["name_prefix"] = json!("other/");
    let change = json!({ "configuration": configuration });
    tenant.patch(&format!("/v1/sources/{two}"), &change).await.expect(200);
    let run = sync(&tenant, &two).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [2, 2, 0, 0, 0, 0, 1]));
    let names: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(names, ["README.md", "a.md", "other/README.md", "other/b.md"]);
}

#[tokio::test]
async fn a_file_that_was_left_out_for_a_document_of_others_comes_in_once_that_is_gone() {
    let made = folder("repo", &["a.md", "b.md"]).zip();
    let site = Site::start(&[("/main", sent(made).with("etag", "\"1\""))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let other = tenant.upload("a.md", "# Other\n\nIt is told in other words.").await.expect(202);
    let source = source(&tenant, &archive(&site, "/main")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [2, 1, 0, 0, 1, 0, 0]));
    assert_eq!(noted(&run, &site)["a.md"], "name_taken");
    let id = other["id"].as_str().unwrap();
    tenant.delete(&format!("/v1/documents/{id}")).await.expect(204);
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [2, 1, 0, 1, 0, 0, 0]));
    // From now on it is not sent again.
    site.asked();
    sync(&tenant, &source).await;
    assert_eq!(site.asked()[0].status, 304);
}

#[tokio::test]
async fn a_document_that_somebody_uploaded_stays_theirs_though_the_archive_has_the_same_bytes() {
    let names = ["a.md", "b.md", "c.md"];
    let site = Site::start(&[("/main", sent(folder("repo", &names).zip()))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let own = tenant.upload("a.md", text("a.md")).await.expect(202);
    let path = format!("/v1/documents/{}", own["id"].as_str().unwrap());
    let source = source(&tenant, &archive(&site, "/main")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 2, 0, 0, 1, 0, 0]), "{run}");
    assert_eq!(noted(&run, &site)["a.md"], "name_taken");
    // It changes in the archive, and is gone from there.
    let mut changed = folder("repo", &names[1..]);
    changed.push(file("repo/a.md", "# A\n\nIt is told in other words."));
    site.put("/main", sent(changed.zip()));
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 0, 0, 2, 1, 0, 0]), "{run}");
    site.put("/main", sent(folder("repo", &names[1..]).zip()));
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [2, 0, 0, 2, 0, 0, 0]), "{run}");
    assert_eq!(tenant.get(&path).await.expect(200)["version_number"], 1);
    // Nor does it go with the source.
    tenant.delete(&format!("/v1/sources/{source}?documents=delete")).await.expect(204);
    let found = documents(&tenant, &site).await;
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("a.md".to_owned(), 1)]);
}

#[tokio::test]
async fn a_file_whose_document_was_deleted_for_another_one_keeps_no_run_from_its_end() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    sync(&tenant, &source).await;
    let page = tenant.get("/v1/documents?limit=100").await.expect(200);
    let ours = page["items"].as_array().unwrap().iter().find(|it| it["name"] == "a.md").unwrap();
    let path = format!("/v1/documents/{}", ours["id"].as_str().unwrap());
    tenant.delete(&path).await.expect(204);
    tenant.upload("a.md", "# Other\n\nIt is told in other words.").await.expect(202);
    for _ in 0..2 {
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(noted(&run, &site)["a.md"], "name_taken");
    }
    assert_eq!(documents(&tenant, &site).await.len(), 2);
}

#[tokio::test]
async fn a_run_goes_on_with_the_archive_that_it_began_with_slice_by_slice() {
    let formats: [fn(&MadeArchive) -> Vec<u8>; 2] = [MadeArchive::zip, MadeArchive::tar_gz];
    for made in formats {
        let names: Vec<String> = (0..6).map(|number| format!("{number}.md")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let site = Site::start(&[("/main", sent(made(&folder("repo", &names))))]).await;
        let app = idle_app(&site, &[("PIDIMA_SOURCE_SLICE_MS", "1")]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &archive(&site, "/main")).await;
        let id = ask(&tenant, &source).await;
        let run: Uuid = id.parse().unwrap();
        let (mut slices, never) = (0, CancellationToken::new());
        while app.app.worker.sources.sync(tenant.id, run, &never).await.unwrap()
            != SyncOutcome::Done
        {
            // Another archive is there meanwhile.
            site.put("/main", sent(folder("repo", &["other.md"]).zip()));
            slices += 1;
        }
        assert!(slices > 3, "{slices}");
        let run = show(&tenant, &source, &id).await;
        assert_eq!((reason(&run), counts(&run)), (("completed", ""), [6, 6, 0, 0, 0, 0, 0]));
        assert_eq!(site.asked().len(), 1);
        assert_eq!(documents(&tenant, &site).await.len(), 6);
    }
}

#[tokio::test]
async fn an_archive_is_held_until_its_run_is_over_and_no_longer() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let app = idle_app(&site, &[("PIDIMA_SOURCE_SLICE_MS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    let (sources, never) = (&app.app.worker.sources, CancellationToken::new());
    let admin = app.database.admin();
    let held = || async {
        let held = "select count(*) from app.pending_originals where held_until > now()";
        sqlx::query_scalar::<_, i64>(held).fetch_one(&admin).await.unwrap()
    };
    assert_ne!(sources.sync(tenant.id, run, &never).await.unwrap(), SyncOutcome::Done);
    assert_eq!(held().await, 1);
    // Nobody takes it for left over.
    let old = "update app.pending_originals set created_at = now() - interval '1 day'";
    sqlx::query(old).execute(&admin).await.unwrap();
    let db = &app.app.services.db;
    let patience = Duration::from_secs(60);
    reconcile_versions(db, patience).await.unwrap();
    assert_eq!(held().await, 1);
    while sources.sync(tenant.id, run, &never).await.unwrap() != SyncOutcome::Done {}
    assert_eq!(reason(&show(&tenant, &source, &id).await), ("completed", ""));
    assert_eq!(held().await, 0);
    let content: Uuid = sqlx::query_scalar("select content_id from app.source_runs")
        .fetch_one(&admin)
        .await
        .unwrap();
    let removal =
        "select count(*) from app.outbox where kind = 'remove_original' and subject_id = $1";
    let asked: i64 = sqlx::query_scalar(removal).bind(content).fetch_one(&admin).await.unwrap();
    assert_eq!(asked, 1);

    // One whose archive was held too long is told so, and the next one is whole.
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    assert_ne!(sources.sync(tenant.id, run, &never).await.unwrap(), SyncOutcome::Done);
    let content: Uuid =
        sqlx::query_scalar("select content_id from app.source_runs where run_id = $1")
            .bind(run)
            .fetch_one(&admin)
            .await
            .unwrap();
    let passed = "update app.pending_originals set created_at = now() - interval '1 day', held_until = now()";
    sqlx::query(passed).execute(&admin).await.unwrap();
    reconcile_versions(db, patience).await.unwrap();
    let asked: i64 = sqlx::query_scalar(removal).bind(content).fetch_one(&admin).await.unwrap();
    assert_eq!((held().await, asked), (0, 1));
    app.app.worker.ingestion.remove_original(tenant.id, content).await.unwrap();
    while sources.sync(tenant.id, run, &never).await.unwrap() != SyncOutcome::Done {}
    assert_eq!(reason(&show(&tenant, &source, &id).await), ("failed", "archive_lost"));
    let id = ask(&tenant, &source).await;
    let run: Uuid = id.parse().unwrap();
    while sources.sync(tenant.id, run, &never).await.unwrap() != SyncOutcome::Done {}
    assert_eq!(reason(&show(&tenant, &source, &id).await), ("completed", ""));
}

#[tokio::test]
async fn a_run_that_ends_between_two_slices_leaves_no_archive() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let app = idle_app(&site, &[("PIDIMA_SOURCE_SLICE_MS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let path = format!("/v1/sources/{source}");
    let (sources, never) = (&app.app.worker.sources, CancellationToken::new());
    let admin = app.database.admin();
    let held = || async {
        let held = "select count(*) from app.pending_originals";
        sqlx::query_scalar::<_, i64>(held).fetch_one(&admin).await.unwrap()
    };
    for end in ["cancelled", "given up", "too long", "deleted"] {
        let id = ask(&tenant, &source).await;
        let run: Uuid = id.parse().unwrap();
        assert_ne!(sources.sync(tenant.id, run, &never).await.unwrap(), SyncOutcome::Done);
        assert_eq!(held().await, 1, "{end}");
        match end {
            "cancelled" => {
                tenant.post(&format!("{path}/runs/{id}/cancel"), &Value::Null).await.expect(200);
            }
            "given up" => assert!(sources.abandon(tenant.id, run).await.unwrap()),
            "too long" => {
                let old = "update app.source_runs set started_at = now() - interval '10 days' where run_id = $1";
                sqlx::query(old).bind(run).execute(&admin).await.unwrap();
                let outcome = sources.sync(tenant.id, run, &never).await.unwrap();
                assert_eq!(outcome, SyncOutcome::Done);
                assert_eq!(reason(&show(&tenant, &source, &id).await), ("partial", "time_limit"));
            }
            _ => assert_eq!(tenant.delete(&path).await.status, 204),
        }
        assert_eq!(held().await, 0, "{end}");
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_deletes_nothing_and_leaves_no_archive() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    sync(&tenant, &source).await;
    site.put("/main", sent(folder("repo", &["a.md"]).zip()));
    site.asked();
    site.hold();
    let run = ask(&tenant, &source).await;
    site.wait(1).await;
    let cancel = format!("/v1/sources/{source}/runs/{run}/cancel");
    tenant.post(&cancel, &Value::Null).await.expect(200);
    site.open();
    eventually("the worker lets go", || async {
        tenant.delete(&format!("/v1/sources/{source}")).await.status == 204
    })
    .await;
    assert_eq!(documents(&tenant, &site).await.len(), 2);
    let held = "select count(*) from app.pending_originals";
    let held: i64 = sqlx::query_scalar(held).fetch_one(&app.database.admin()).await.unwrap();
    assert_eq!(held, 0);
}

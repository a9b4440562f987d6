//! Versions: what is done again and what is not, and what readers see meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pidima::adapters::embeddings::EmbeddingError;
use pidima::adapters::objects::{ObjectError, ObjectKey};
use serde_json::json;

use super::{idle, last_version, rows_left, upload, versions_found, working, wrong_counts};
use crate::support::{TestApp, eventually};

fn paragraphs(words: &[&str]) -> String {
    words.iter().fold("# Guide\n".to_owned(), |text, word| {
        let sentence = format!("The {word} of the machine is explained here, {word} by {word}. ");
        format!("{text}\n## About {word}\n\n{}\n", sentence.repeat(20))
    })
}

#[tokio::test]
async fn a_version_goes_from_received_to_ready_through_every_state_of_work() {
    let (app, embedder) = idle(&[]).await;
    let admin = app.database.admin();
    // The database itself writes down each change of state.
    sqlx::raw_sql(
        "create table public.seen (place bigserial, state text);
        create function public.see() returns trigger language plpgsql security definer as
            'begin insert into public.seen (state) values (new.state); return new; end';
        create trigger see after insert or update of state on app.document_versions
            for each row execute function public.see()",
    )
    .execute(&admin)
    .await
    .unwrap();
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    let id = upload(&tenant, "a.md", "# A\n\nThe pump runs at night.\n", 202).await;
    let path = format!("/v1/documents/{id}");
    assert_eq!(tenant.get(&path).await.expect(200)["state"], "received");
    app.start_worker();
    embedder.entered().await;
    assert_eq!(tenant.get(&path).await.expect(200)["state"], "embedding");
    assert_eq!(versions_found(&tenant, "pump").await, [0_i64; 0], "not before it is ready");
    embedder.release();
    assert_eq!(tenant.settled(&id).await["state"], "ready");
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    let mut seen: Vec<String> = sqlx::query_scalar("select state from public.seen order by place")
        .fetch_all(&admin)
        .await
        .unwrap();
    seen.dedup();
    assert_eq!(seen, ["received", "parsing", "embedding", "ready"]);
}

#[tokio::test]
async fn the_same_bytes_again_are_no_new_version_and_nothing_is_embedded() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    let text = paragraphs(&["pump", "valve"]);
    let first = tenant.learn("a.md", &text).await;
    assert!(!embedder.take_passages().is_empty());
    for _ in 0..3 {
        let again = tenant.upload("a.md", text.clone()).await.expect(200);
        assert_eq!(again["id"], first["id"]);
        assert_eq!(again["version_number"], 1);
        assert_eq!(again["state"], "ready");
    }
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(embedder.take_passages(), Vec::<String>::new());
    // The same words under another name are a document of their own, with the embeddings that are there.
    tenant.learn("b.md", &text).await;
    assert_eq!(embedder.take_passages(), Vec::<String>::new());
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_changed_paragraph_is_embedded_alone() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    let words = ["pump", "valve", "motor", "wheel", "belt", "lamp"];
    tenant.learn("a.md", &paragraphs(&words)).await;
    let all = embedder.take_passages().len();
    let mut changed = words;
    changed[3] = "gear";
    let document = tenant.learn("a.md", &paragraphs(&changed)).await;
    assert_eq!(document["version_number"], 2);
    let again = embedder.take_passages();
    println!("{} of {all} passages embedded again", again.len());
    assert!(all >= words.len());
    assert!(!again.is_empty() && again.len() <= 2, "{again:#?}");
    assert!(again.iter().all(|passage| passage.contains("gear")));
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_finds_exactly_one_version_while_newer_ones_replace_it() {
    let (app, _) = working().await;
    let tenant = app.tenant("acme").await;
    let text = |version: usize| {
        paragraphs(&["pump", "valve", "motor"]).replace("machine", &format!("machine{version}"))
    };
    tenant.learn("a.md", &text(1)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (tenant, stop) = (tenant.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut searches = 0;
                let mut newest = 0;
                while !stop.load(Ordering::Relaxed) {
                    let found = versions_found(&tenant, "pump valve motor machine").await;
                    assert_eq!(found.len(), 1, "versions {found:?} at once");
                    assert!(found[0] >= newest, "{} after {newest}", found[0]);
                    newest = found[0];
                    searches += 1;
                }
                searches
            })
        })
        .collect();
    for version in 2..=25 {
        tenant.learn("a.md", &text(version)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut searches = 0;
    for reader in readers {
        searches += reader.await.unwrap();
    }
    println!("{searches} searches during 24 replacements saw one version each");
    assert!(searches > 24);
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_new_version_that_fails_leaves_the_old_one_in_search_and_tells_why() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    let document = tenant.learn("a.md", "# A\n\nThe pump runs at night.\n").await;
    let id = document["id"].as_str().unwrap();
    let broken = EmbeddingError::Output { model: "m".to_owned(), reason: "no number".to_owned() };
    embedder.fail_next(broken);
    upload(&tenant, "a.md", "# A\n\nThe pump runs by day.\n", 202).await;
    let document = tenant.settled(id).await;
    assert_eq!(document["state"], "failed", "{document}");
    assert_eq!(document["failure"]["code"], "embedding_failed", "{document}");
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    // The same bytes after a failure are another try.
    upload(&tenant, "a.md", "# A\n\nThe pump runs by day.\n", 202).await;
    assert_eq!(tenant.settled(id).await["state"], "ready");
    assert_eq!(versions_found(&tenant, "pump").await, [3]);
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn an_older_version_that_is_done_late_stays_behind_the_newer_one() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    let id = upload(&tenant, "a.md", "# A\n\nThe pump runs at night.\n", 202).await;
    embedder.entered().await;
    upload(&tenant, "a.md", "# A\n\nThe pump runs by day.\n", 202).await;
    assert_eq!(tenant.settled(&id).await["state"], "ready");
    assert_eq!(versions_found(&tenant, "pump").await, [2]);
    embedder.release();
    let versions = format!("/v1/documents/{id}/versions");
    eventually("the first version is superseded", || async {
        let list = tenant.get(&versions).await.expect(200);
        list["items"][1]["state"] == "superseded"
    })
    .await;
    assert_eq!(versions_found(&tenant, "pump").await, [2]);
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_document_deleted_while_it_is_read_leaves_nothing() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    let id = upload(&tenant, "a.md", "# A\n\nThe pump runs at night.\n", 202).await;
    embedder.entered().await;
    let original = ObjectKey::original(tenant.id, last_version(&app).await);
    assert!(app.app.objects.get(&original).await.is_ok());
    assert_eq!(tenant.delete(&format!("/v1/documents/{id}")).await.status, 204);
    embedder.release();
    eventually("the original is removed", || async {
        matches!(app.app.objects.get(&original).await, Err(ObjectError::Missing(_)))
    })
    .await;
    eventually("the queue is empty", || async {
        app.app.worker.queue.backlog().await.unwrap() == 0
    })
    .await;
    assert_eq!(rows_left(&app).await, 0);
    assert_eq!(versions_found(&tenant, "pump").await, [0_i64; 0]);
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

/// Statements that wait for a lock.
async fn waiting(app: &TestApp) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap()
}

#[tokio::test]
async fn a_document_deleted_while_it_is_published_takes_its_counts_along() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    embedder.hold_next();
    let id = upload(&tenant, "a.md", "# A\n\nThe pump runs at night.\n", 202).await;
    embedder.entered().await;
    let admin = app.database.admin();
    let mut lock = admin.begin().await.unwrap();
    sqlx::raw_sql("select from app.collections for update").execute(&mut *lock).await.unwrap();
    embedder.release();
    eventually("publishing waits to count", || async { waiting(&app).await == 1 }).await;
    let deleting = tenant.clone();
    let path = format!("/v1/documents/{id}");
    let deleted = tokio::spawn(async move { deleting.delete(&path).await.status });
    eventually("the deletion waits for it", || async { waiting(&app).await == 2 }).await;
    lock.rollback().await.unwrap();
    assert_eq!(deleted.await.unwrap(), 204);
    assert_eq!(rows_left(&app).await, 0);
    assert_eq!(wrong_counts(&app).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_collection_deleted_while_its_document_is_read_leaves_nothing() {
    let (app, embedder) = working().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("b.md", "# B\n\nThe valve is shut.\n").await;
    embedder.hold_next();
    upload(&tenant, "a.md", "# A\n\nThe pump runs at night.\n", 202).await;
    embedder.entered().await;
    let original = ObjectKey::original(tenant.id, last_version(&app).await);
    let collections = tenant.get("/v1/collections").await.expect(200);
    let id = collections["items"][0]["id"].as_str().unwrap();
    assert_eq!(tenant.delete(&format!("/v1/collections/{id}")).await.status, 204);
    embedder.release();
    eventually("the original is removed", || async {
        matches!(app.app.objects.get(&original).await, Err(ObjectError::Missing(_)))
    })
    .await;
    eventually("the queue is empty", || async {
        app.app.worker.queue.backlog().await.unwrap() == 0
    })
    .await;
    assert_eq!(rows_left(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_uploads_of_a_new_name_at_once_make_one_document() {
    let (app, _) = working().await;
    let tenant = app.tenant("acme").await;
    for round in 0..10 {
        let name = format!("{round}.md");
        let [one, two] = [0, 1].map(|number| {
            // The same bytes in every other round.
            let number = number * (round % 2);
            let (tenant, name) = (tenant.clone(), name.clone());
            async move { tenant.upload(&name, format!("# A\n\nThe pump {number} runs.\n")).await }
        });
        let (one, two) = tokio::join!(one, two);
        assert!(one.status.is_success() && two.status.is_success(), "{one:?} {two:?}");
        let (one, two) = (one.json(), two.json());
        assert_eq!(one["id"], two["id"]);
        let document = tenant.settled(one["id"].as_str().unwrap()).await;
        let expected = if round % 2 == 0 { 1 } else { 2 };
        assert_eq!(document["version_number"], json!(expected), "{document}");
    }
    let documents = tenant.get("/v1/documents?limit=100").await.expect(200);
    assert_eq!(documents["items"].as_array().unwrap().len(), 10);
}

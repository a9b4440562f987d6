//! Reading a document once more.

use reqwest::Method;
use serde_json::Value;

use super::{TEXT, audited, busy, hurry, idle, job, rows_left, steer, upload, versions_found};
use crate::ingestion::wrong_counts;
use crate::support::{TestTenant, eventually};

async fn reprocess(tenant: &TestTenant, document: &str) -> Value {
    let path = format!("/v1/documents/{document}/reprocess");
    tenant.send(tenant.request(Method::POST, &path)).await.expect(202)
}

#[tokio::test]
async fn a_document_is_read_once_more_and_readers_find_the_old_version_until_then() {
    let (app, embedder) = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let document = upload(&tenant, "a.md", TEXT, 202).await;
    app.app.worker.run_until_idle().await.unwrap();
    let answer = tenant.ask("When does the pump run?").await;
    let citation = format!("/v1/citations/{}", answer["citations"][0]["id"].as_str().unwrap());
    let cited = tenant.get(&citation).await.expect(200);
    embedder.take_passages();
    let again = reprocess(&tenant, &document).await;
    assert_eq!((&again["state"], &again["version_number"]), (&"received".into(), &2.into()));
    assert_eq!(audited(&app, "document.reprocessed").await, 1);
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
    let on_its_way = reprocess(&tenant, &document).await;
    assert_eq!(on_its_way["id"], again["id"], "one that is on its way goes on");
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(versions_found(&tenant, "pump").await, [2]);
    assert!(embedder.take_passages().is_empty(), "the same text is not embedded again");
    assert_eq!(wrong_counts(&app).await, Vec::<Value>::new());
    let after = tenant.get(&citation).await.expect(200);
    for field in ["quote", "version_number", "char_start", "char_end", "version_id"] {
        assert_eq!(after.get(field), cited.get(field), "{field}");
    }
    // A third reading still has the bytes of the first, and all goes with the document.
    assert_eq!(reprocess(&tenant, &document).await["version_number"], 3);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(versions_found(&tenant, "pump").await, [3]);
    tenant.upload("a.md", TEXT).await.expect(200);
    tenant.delete(&format!("/v1/documents/{document}")).await.expect(204);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(rows_left(&app).await, 0);
    eventually("no original is left", || async {
        app.app.worker.queue.backlog().await.unwrap() == 0
    })
    .await;
    let left = walk(&app.objects);
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_newest_version_that_failed_is_tried_again() {
    let (app, embedder) = idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    let tenant = app.tenant("acme").await;
    embedder.fail_next(busy());
    let document = upload(&tenant, "a.md", TEXT, 202).await;
    app.app.worker.run_until_idle().await.unwrap();
    let failed = job(&app, &tenant).await;
    assert_eq!(failed["state"], "failed");
    let again = reprocess(&tenant, &document).await;
    assert_eq!((&again["id"], &again["state"]), (&failed["id"], &"received".into()));
    steer(&tenant, &again, "cancel").await;
    assert_eq!(reprocess(&tenant, &document).await["id"], failed["id"]);
    hurry(&app).await;
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(versions_found(&tenant, "pump").await, [1]);
}

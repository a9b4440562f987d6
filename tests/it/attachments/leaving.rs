//! An attachment goes with its session, whichever way that goes, and its original with it.

use pidima::knowledge::sweep_attachments;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{QUESTION, VALVE, ask, cites, count, idle, items, open, path, send};
use crate::api::problem;
use crate::support::{TestApp, TestTenant};

/// Originals in the folder of the application.
pub fn originals(app: &TestApp) -> usize {
    fn files(folder: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }
    files(&app.objects)
}

/// Rows of everything that is made of attachments.
async fn rows(app: &TestApp) -> i64 {
    let statement = "select (select count(*) from app.collections where name is null)
        + (select count(*) from app.documents) + (select count(*) from app.document_versions)
        + (select count(*) from app.document_texts) + (select count(*) from app.chunks)
        + (select count(*) from app.chunk_windows) + (select count(*) from app.chunk_terms)";
    count(app, statement).await
}

/// A session with two files that are read, and the first of them.
async fn attached(app: &TestApp, tenant: &TestTenant) -> (String, Value) {
    let session = open(tenant, &json!({})).await;
    let first = send(tenant, &session, "valve.md", VALVE.as_bytes()).await.expect(202);
    send(tenant, &session, "lamp.md", b"# Lamps\n\nThe lamp is green.\n").await.expect(202);
    app.app.worker.run_until_idle().await.unwrap();
    (session, first)
}

#[tokio::test]
async fn one_that_is_deleted_is_gone_from_answers_and_from_the_store() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let (session, first) = attached(&app, &tenant).await;
    let answer = ask(&tenant, &session, QUESTION).await;
    assert!(cites(&answer, &first), "{answer}");
    let place = format!("{}/{}", path(&session), first["id"].as_str().unwrap());
    tenant.delete(&place).await.expect(204);
    problem(&tenant.delete(&place).await, 404, "not_found");
    problem(&tenant.get(&place).await, 404, "not_found");
    assert!(!cites(&ask(&tenant, &session, QUESTION).await, &first));
    assert_eq!(items(&tenant, &path(&session)).await.len(), 1);
    assert_eq!(originals(&app), 2);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(originals(&app), 1);
    // What was said stays: an answer keeps its quotes.
    let citation = format!("/v1/citations/{}", answer["citations"][0]["id"].as_str().unwrap());
    let shown = tenant.get(&citation).await.expect(200);
    assert!(shown.get("document").is_none() && shown.get("context").is_none(), "{shown}");
    let counts = "select chunk_count from app.collections where name is null";
    assert_eq!(count(&app, counts).await, 1);
}

#[tokio::test]
async fn a_session_that_is_deleted_takes_its_attachments_along() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let (session, _) = attached(&app, &tenant).await;
    let (other, kept) = attached(&app, &tenant).await;
    // One that is still to be read, and one that is just being sent again.
    send(&tenant, &session, "late.md", b"# Late\n\nIt comes late.\n").await.expect(202);
    tenant.delete(&format!("/v1/sessions/{session}")).await.expect(204);
    problem(&tenant.get(&path(&session)).await, 404, "not_found");
    problem(&send(&tenant, &session, "x.md", VALVE.as_bytes()).await, 404, "not_found");
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(originals(&app), 2);
    assert_eq!(count(&app, "select count(*) from app.documents").await, 2);
    assert_eq!(count(&app, "select count(*) from app.collections").await, 1);
    assert!(cites(&ask(&tenant, &other, QUESTION).await, &kept));
    tenant.delete(&format!("/v1/sessions/{other}")).await.expect(204);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!((rows(&app).await, originals(&app)), (0, 0));
}

#[tokio::test]
async fn no_other_document_is_deleted_by_the_address_of_an_attachment() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let guide = tenant.upload("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await.expect(202);
    let (session, _) = attached(&app, &tenant).await;
    let (_, of_another) = attached(&app, &tenant).await;
    for document in [guide, of_another] {
        let place = format!("{}/{}", path(&session), document["id"].as_str().unwrap());
        problem(&tenant.delete(&place).await, 404, "not_found");
    }
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!((count(&app, "select count(*) from app.documents").await, originals(&app)), (5, 5));
}

#[tokio::test]
async fn more_sessions_than_one_look_of_the_sweep_finds_leave_nothing_behind() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let (lost, _) = attached(&app, &tenant).await;
    // As many as these are left when sessions are deleted in SQL; they hold nothing, so that they are made in a moment.
    let many = "insert into app.collections (tenant_id, collection_id)
        select c.tenant_id, overlay(gen_random_uuid()::text placing '8' from 15 for 1)::uuid
        from app.collections c, generate_series(1, 230) where c.name is null";
    sqlx::raw_sql(many).execute(&app.database.admin()).await.unwrap();
    let lost: uuid::Uuid = lost.parse().unwrap();
    let delete = "delete from app.sessions where session_id = $1";
    sqlx::query(delete).bind(lost).execute(&app.database.admin()).await.unwrap();
    let stop = CancellationToken::new();
    assert_eq!(sweep_attachments(&app.app.services.db, &stop).await.unwrap(), 231);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!((rows(&app).await, originals(&app)), (0, 0));
}

#[tokio::test]
async fn where_a_session_was_deleted_in_sql_the_sweep_removes_what_is_left() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let guide = tenant.upload("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await.expect(202);
    let (kept, first) = attached(&app, &tenant).await;
    let (lost, _) = attached(&app, &tenant).await;
    let stop = CancellationToken::new();
    let db = &app.app.services.db;
    assert_eq!(sweep_attachments(db, &stop).await.unwrap(), 0);
    let delete = "delete from app.sessions where session_id = $1";
    let lost: uuid::Uuid = lost.parse().unwrap();
    sqlx::query(delete).bind(lost).execute(&app.database.admin()).await.unwrap();
    // Nobody finds it meanwhile.
    let found = tenant.post("/v1/search", &json!({ "query": QUESTION })).await.expect(200);
    let hits = found["items"].as_array().unwrap();
    assert!(hits.iter().all(|hit| hit["document_id"] == guide["id"]), "{found}");
    assert_eq!(items(&tenant, "/v1/collections").await.len(), 1);
    assert_eq!(items(&tenant, "/v1/documents").await.len(), 1);
    assert_eq!(sweep_attachments(db, &stop).await.unwrap(), 1);
    assert_eq!(sweep_attachments(db, &stop).await.unwrap(), 0);
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(originals(&app), 3);
    assert_eq!(count(&app, "select count(*) from app.documents").await, 3);
    assert!(cites(&ask(&tenant, &kept, QUESTION).await, &first));
}

#[tokio::test]
async fn sending_and_deleting_at_once_leaves_nothing_behind() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    for round in 0..6 {
        let session = open(&tenant, &json!({})).await;
        if round % 2 == 0 {
            send(&tenant, &session, "first.md", VALVE.as_bytes()).await.expect(202);
        }
        let deleted = format!("/v1/sessions/{session}");
        let text = format!("# Round\n\nIt is round {round}.\n");
        let (sent, again, deleted) = tokio::join!(
            send(&tenant, &session, "a.md", text.as_bytes()),
            send(&tenant, &session, "b.md", VALVE.as_bytes()),
            tenant.delete(&deleted),
        );
        for sent in [sent, again] {
            assert!([202, 404].contains(&sent.status.as_u16()), "{}", sent.text());
        }
        deleted.expect(204);
    }
    app.app.worker.run_until_idle().await.unwrap();
    let stop = CancellationToken::new();
    sweep_attachments(&app.app.services.db, &stop).await.unwrap();
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!((rows(&app).await, originals(&app)), (0, 0));
}

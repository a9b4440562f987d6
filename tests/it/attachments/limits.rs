//! Every limit below, at and above it.

use futures_util::future::join_all;
use serde_json::json;

use super::{count, idle, items, open, path, send};
use crate::api::problem;

fn file(size: usize) -> Vec<u8> {
    let mut bytes = b"# Valves\n\nThe valve opens at 5 bar.\n".to_vec();
    bytes.resize(size, b' ');
    bytes
}

#[tokio::test]
async fn a_file_may_be_as_large_as_the_limit_and_not_larger() {
    let app = idle(&[("PIDIMA_ATTACHMENTS_MAX_BYTES", "4000")]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    for size in [3_999, 4_000] {
        send(&tenant, &session, &format!("{size}.md"), &file(size)).await.expect(202);
    }
    let refused =
        problem(&send(&tenant, &session, "a.md", &file(4_001)).await, 413, "payload_too_large");
    assert!(refused["detail"].as_str().unwrap().contains("4000 bytes"), "{refused}");
    assert_eq!(items(&tenant, &path(&session)).await.len(), 2);
    // Documents have a limit of their own.
    tenant.upload("a.md", file(4_001)).await.expect(202);
}

#[tokio::test]
async fn the_body_is_bounded_like_that_of_a_document() {
    let app = idle(&[("PIDIMA_MAX_UPLOAD_BYTES", "300000")]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    // More than any other request may bring, and less than an upload.
    send(&tenant, &session, "a.md", &file(290_000)).await.expect(202);
    problem(&send(&tenant, &session, "b.md", &file(300_001)).await, 413, "payload_too_large");
}

#[tokio::test]
async fn a_session_has_as_many_attachments_as_the_limit_and_not_more() {
    let app = idle(&[("PIDIMA_ATTACHMENTS_MAX_PER_SESSION", "2")]).await;
    let tenant = app.tenant("acme").await;
    let (session, other) = (open(&tenant, &json!({})).await, open(&tenant, &json!({})).await);
    let text = |number: usize| format!("# Part {number}\n\nIt is number {number}.\n").into_bytes();
    let first = send(&tenant, &session, "1.md", &text(1)).await.expect(202);
    send(&tenant, &session, "2.md", &text(2)).await.expect(202);
    let is_full =
        async || problem(&send(&tenant, &session, "3.md", &text(3)).await, 409, "conflict");
    let refused = is_full().await;
    assert!(refused["detail"].as_str().unwrap().contains("2 attachments"), "{refused}");
    // A new version of one that is there is no new attachment, and another session has its own.
    send(&tenant, &session, "2.md", &text(4)).await.expect(202);
    send(&tenant, &other, "3.md", &text(3)).await.expect(202);
    let place = format!("{}/{}", path(&session), first["id"].as_str().unwrap());
    tenant.delete(&place).await.expect(204);
    send(&tenant, &session, "3.md", &text(3)).await.expect(202);
    problem(&send(&tenant, &session, "5.md", &text(5)).await, 409, "conflict");
    // What was refused is nowhere: no row, and no original once the jobs are done.
    app.app.worker.run_until_idle().await.unwrap();
    assert_eq!(count(&app, "select count(*) from app.documents").await, 3);
    assert_eq!(count(&app, "select count(*) from app.pending_originals").await, 0);
    let versions = count(&app, "select count(*) from app.document_versions").await;
    assert_eq!(super::leaving::originals(&app), usize::try_from(versions).unwrap());
}

#[tokio::test]
async fn all_sessions_of_a_tenant_have_as_many_together_as_the_limit_and_not_more() {
    let app = idle(&[("PIDIMA_ATTACHMENTS_MAX_PER_TENANT", "2")]).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (first, second) = (open(&tenant, &json!({})).await, open(&tenant, &json!({})).await);
    send(&tenant, &first, "a.md", &file(100)).await.expect(202);
    send(&tenant, &second, "a.md", &file(100)).await.expect(202);
    let refused = problem(&send(&tenant, &second, "b.md", &file(100)).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("2 attachments together"), "{refused}");
    // Neither documents nor another tenant's files count.
    tenant.upload("a.md", file(100)).await.expect(202);
    let foreign = open(&other, &json!({})).await;
    send(&other, &foreign, "a.md", &file(100)).await.expect(202);
    // A new version is one more file that is kept; the same bytes again are none. A session that goes makes room.
    problem(&send(&tenant, &second, "a.md", &file(200)).await, 409, "conflict");
    send(&tenant, &second, "a.md", &file(100)).await.expect(200);
    tenant.delete(&format!("/v1/sessions/{first}")).await.expect(204);
    send(&tenant, &second, "a.md", &file(200)).await.expect(202);
    problem(&send(&tenant, &second, "c.md", &file(100)).await, 409, "conflict");
}

#[tokio::test]
async fn where_there_are_more_than_a_limit_that_was_lowered_new_versions_come_in_all_the_same() {
    let app = idle(&[("PIDIMA_ATTACHMENTS_MAX_PER_SESSION", "2")]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    send(&tenant, &session, "1.md", &file(100)).await.expect(202);
    send(&tenant, &session, "2.md", &file(100)).await.expect(202);
    let third = "insert into app.documents (tenant_id, document_id, collection_id, name, title)
        select tenant_id, gen_random_uuid(), collection_id, '3.md', '3.md' from app.collections where name is null";
    sqlx::raw_sql(third).execute(&app.database.admin()).await.unwrap();
    send(&tenant, &session, "2.md", &file(200)).await.expect(202);
    problem(&send(&tenant, &session, "4.md", &file(100)).await, 409, "conflict");
}

#[tokio::test]
async fn of_many_at_once_no_more_come_in_than_there_is_room_for() {
    let app = idle(&[("PIDIMA_ATTACHMENTS_MAX_PER_SESSION", "3")]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let sent = join_all((0..8).map(|number| {
        let (tenant, session) = (&tenant, &session);
        async move {
            let text = format!("# Part {number}\n\nIt is number {number}.\n");
            send(tenant, session, &format!("{number}.md"), text.as_bytes()).await.status.as_u16()
        }
    }))
    .await;
    let came = sent.iter().filter(|status| **status == 202).count();
    assert_eq!(came, 3, "{sent:?}");
    assert!(sent.iter().all(|status| [202, 409].contains(status)), "{sent:?}");
    assert_eq!(items(&tenant, &path(&session)).await.len(), 3);
}

#[tokio::test]
async fn the_switch_of_uploads_holds_for_attachments_too() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let off = "insert into app.tenant_flags (tenant_id, flag, is_on) select tenant_id, 'uploads', false from app.tenants";
    sqlx::raw_sql(off).execute(&app.database.admin()).await.unwrap();
    problem(&send(&tenant, &session, "a.md", &file(100)).await, 503, "unavailable");
    assert_eq!(count(&app, "select count(*) from app.collections").await, 0);
}

#[tokio::test]
async fn attachments_have_a_switch_of_their_own() {
    let app = idle(&[("PIDIMA_FLAG_ATTACHMENTS", "off")]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let refused = problem(&send(&tenant, &session, "a.md", &file(100)).await, 503, "unavailable");
    assert!(refused["detail"].as_str().unwrap().starts_with("attachments are switched off"));
    tenant.upload("a.md", file(100)).await.expect(202);
    assert_eq!(count(&app, "select count(*) from app.pending_originals").await, 0);
    let on = "insert into app.tenant_flags (tenant_id, flag, is_on) select tenant_id, 'attachments', true from app.tenants";
    sqlx::raw_sql(on).execute(&app.database.admin()).await.unwrap();
    send(&tenant, &session, "a.md", &file(100)).await.expect(202);
}

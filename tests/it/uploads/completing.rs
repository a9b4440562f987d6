//! Completing: once, whoever asks how often, and whatever dies in between.

use std::time::Duration;

use futures_util::future::join_all;
use pidima::adapters::objects::{ObjectKey, StoreUpload};
use pidima::worker::reconcile_versions;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ending::store_of;
use super::{Place, begin, complete, file, path, places, send_all, sha256, whole};
use crate::api::problem;
use crate::aws::StandIn;
use crate::aws::proxy::{Act, FaultProxy};
use crate::support::TestTenant;

#[tokio::test]
async fn who_completes_again_is_answered_as_before() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let body = send_all(&tenant, &upload, &bytes).await;
        let replies = join_all((0..6).map(|_| complete(&tenant, &upload, &body))).await;
        let last = complete(&tenant, &upload, &body).await;
        assert_eq!(last.headers["idempotency-replayed"], "true", "{name}");
        for reply in replies {
            assert_eq!(reply.status, 202, "{name}: {}", reply.text());
            assert_eq!(reply.text(), last.text(), "{name}");
        }
        assert_eq!(place.count("select count(*) from app.document_versions").await, 1, "{name}");
        assert_eq!(place.count("select count(*) from app.outbox").await, 1, "{name}");
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
    }
}

#[tokio::test]
async fn a_file_with_another_digest_is_not_kept() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let mut body = send_all(&tenant, &upload, &bytes).await;
        body["sha256"] = json!(sha256(b"something else"));
        let refused = problem(&complete(&tenant, &upload, &body).await, 422, "validation_failed");
        let told = &refused["errors"][0];
        assert_eq!(told["pointer"], "/sha256", "{name}");
        assert!(told["detail"].as_str().unwrap().contains(&sha256(&bytes)), "{name}: {told}");
        // Again and with the right one too: there is nothing any more.
        body["sha256"] = json!(sha256(&bytes));
        let again = problem(&complete(&tenant, &upload, &body).await, 422, "validation_failed");
        assert_eq!(again["errors"], refused["errors"], "{name}");
        let seen = tenant.get(&path(&upload)).await.expect(200);
        assert_eq!(seen["failure"]["code"], "checksum_mismatch", "{name}: {seen}");
        is_gone(&place, &tenant, &upload).await;
        assert_eq!(place.count("select count(*) from app.documents").await, 0, "{name}");
    }
}

#[tokio::test]
async fn a_digest_that_was_declared_must_be_the_same_at_the_end() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let bytes = file(1_000);
        let body = json!({ "name": "a.md", "size_bytes": 1_000, "sha256": sha256(b"other") });
        let upload = tenant.post("/v1/uploads", &body).await.expect(201);
        let body = send_all(&tenant, &upload, &bytes).await;
        let refused = problem(&complete(&tenant, &upload, &body).await, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/sha256");
        assert_eq!(tenant.get(&path(&upload)).await.expect(200)["state"], "open", "{}", place.name);
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_is_refused_as_when_it_is_sent_at_once() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let image = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 100]].concat();
        let pdf = [b"%PDF-1.7\n".as_slice(), &file(1_000)].concat();
        let nul = [file(3_000).as_slice(), b"\0"].concat();
        for (file_name, bytes) in [("a.md", &image), ("a.docx", &pdf), ("a.txt", &nul)] {
            let at_once = problem(
                &tenant.upload(file_name, bytes.clone()).await,
                415,
                "unsupported_media_type",
            );
            let (upload, reply) = whole(&tenant, file_name, bytes).await;
            let refused = problem(&reply, 415, "unsupported_media_type");
            assert_eq!(refused["detail"], at_once["detail"], "{name}");
            is_gone(&place, &tenant, &upload).await;
        }
    }
}

#[tokio::test]
async fn a_crash_after_the_store_has_completed_loses_nothing() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let body = send_all(&tenant, &upload, &bytes).await;
        die_while_completing(&place, &tenant, &upload).await;
        let seen = tenant.get(&path(&upload)).await.expect(200);
        assert_eq!(seen["state"], "completing", "{name}");
        // Not given up while it is awaited, however long ago that was.
        reconcile_versions(&place.app.app.services.db, Duration::ZERO).await.unwrap();
        place.app.app.worker.run_until_idle().await.unwrap();
        complete(&tenant, &upload, &body).await.expect(202);
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
        place.app.app.worker.run_until_idle().await.unwrap();
        let found = tenant.get("/v1/documents").await.expect(200);
        assert_eq!(found["items"][0]["state"], "ready", "{name}: {found}");
    }
}

#[tokio::test]
async fn a_crash_before_the_store_has_completed_loses_nothing() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let body = send_all(&tenant, &upload, &bytes).await;
        announce(&place).await;
        // Who was told of no mark can go on all the same, and no part is taken any more.
        let seen = tenant.get(&path(&upload)).await.expect(200);
        assert_eq!(seen["state"], "completing", "{name}");
        let mark = body["parts"][0]["etag"].as_str().unwrap().trim_matches('"');
        assert_eq!(seen["parts"][0]["etag"], mark, "{name}: {seen}");
        assert!(seen["parts"][0]["url"].is_null(), "{name}: {seen}");
        reconcile_versions(&place.app.app.services.db, Duration::ZERO).await.unwrap();
        place.app.app.worker.run_until_idle().await.unwrap();
        complete(&tenant, &upload, &body).await.expect(202);
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
        place.app.app.worker.run_until_idle().await.unwrap();
        let found = tenant.get("/v1/documents").await.expect(200);
        assert_eq!(found["items"][0]["state"], "ready", "{name}: {found}");
    }
}

#[tokio::test]
async fn parts_that_the_store_makes_nothing_of_can_be_sent_again() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    let places = places(&[("AWS_ENDPOINT_URL", &proxy.url)]).await;
    let place = places.iter().find(|place| place.name == "s3").unwrap();
    let tenant = place.app.tenant("acme").await;
    let bytes = file(1_000);
    let upload = begin(&tenant, "pumps.md", bytes.len()).await;
    // An address that is signed names the proxy, which the store behind it does not know.
    let (store, objects) = (store_of(place, &tenant, &upload).await, &place.app.app.objects);
    let send = async || {
        let etag = objects.put_part(&store, 1, bytes.clone().into()).await.unwrap();
        json!({ "parts": [{ "part_number": 1, "etag": etag }], "sha256": sha256(&bytes) })
    };
    let body = send().await;
    proxy.on(|seen| {
        let joins = seen.line.starts_with("POST ") && seen.line.contains("uploadId=");
        if joins { Act::s3(400, "InvalidPart") } else { Act::Pass }
    });
    let refused = complete(&tenant, &upload, &body).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(tenant.get(&path(&upload)).await.expect(200)["state"], "open");
    proxy.pass();
    let body = send().await;
    complete(&tenant, &upload, &body).await.expect(202);
}

#[tokio::test]
async fn a_crash_while_an_upload_is_completed_leaks_nothing() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let body = send_all(&tenant, &upload, &bytes).await;
        die_while_completing(&place, &tenant, &upload).await;
        // Of one the object is there, of the other its parts.
        let other = begin(&tenant, "tubes.md", bytes.len()).await;
        send_all(&tenant, &other, &bytes).await;
        announce(&place).await;
        let stores =
            [store_of(&place, &tenant, &upload).await, store_of(&place, &tenant, &other).await];
        // Nobody comes for them.
        place.run("update app.uploads set expires_at = now()").await;
        let expired = problem(&complete(&tenant, &upload, &body).await, 409, "conflict");
        assert!(expired["detail"].as_str().unwrap().contains("expired"), "{name}: {expired}");
        let services = &place.app.app.services;
        reconcile_versions(&services.db, Duration::ZERO).await.unwrap();
        assert_eq!(services.uploads.sweep(&CancellationToken::new()).await.unwrap(), 2, "{name}");
        place.app.app.worker.run_until_idle().await.unwrap();
        for store in &stores {
            has_nothing(&place, store).await;
        }
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_upload_that_is_deleted_while_it_is_completed_leaves_nothing() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        send_all(&tenant, &upload, &bytes).await;
        die_while_completing(&place, &tenant, &upload).await;
        let version = place.row(&upload).await.0;
        tenant.delete(&path(&upload)).await.expect(204);
        reconcile_versions(&place.app.app.services.db, Duration::ZERO).await.unwrap();
        place.app.app.worker.run_until_idle().await.unwrap();
        let key = ObjectKey::original(tenant.id, version);
        assert!(place.app.app.objects.get(&key).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_collection_that_is_gone_at_the_end_makes_no_document() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let collection =
            tenant.post("/v1/collections", &json!({ "name": "short" })).await.expect(201);
        let id = collection["id"].as_str().unwrap();
        let body = json!({ "name": "a.md", "size_bytes": 1_000, "collection_id": id });
        let upload = tenant.post("/v1/uploads", &body).await.expect(201);
        let body = send_all(&tenant, &upload, &file(1_000)).await;
        tenant.delete(&format!("/v1/collections/{id}")).await.expect(204);
        problem(&complete(&tenant, &upload, &body).await, 409, "conflict");
        is_gone(&place, &tenant, &upload).await;
        assert_eq!(place.count("select count(*) from app.documents").await, 0, "{name}");
    }
}

/// Does what completing does before it asks the store, for every upload.
async fn announce(place: &Place) {
    place
        .run(
            "insert into app.pending_originals (tenant_id, version_id)
            select tenant_id, version_id from app.uploads
            on conflict do nothing;
            update app.uploads set state = 'completing'",
        )
        .await;
}

/// Does what completing does until the moment after the store has made the object, and dies there.
async fn die_while_completing(place: &Place, tenant: &TestTenant, upload: &Value) {
    let store = store_of(place, tenant, upload).await;
    announce(place).await;
    let objects = &place.app.app.objects;
    let parts = objects.list_parts(&store).await.unwrap().unwrap();
    assert!(objects.complete_upload(&store, &parts).await.unwrap());
    assert!(!objects.get(&store.key).await.unwrap().is_empty());
}

/// The store has nothing of it, once the worker has done what there is to do.
async fn is_gone(place: &Place, tenant: &TestTenant, upload: &Value) {
    place.app.app.worker.run_until_idle().await.unwrap();
    has_nothing(place, &store_of(place, tenant, upload).await).await;
}

async fn has_nothing(place: &Place, store: &StoreUpload) {
    let objects = &place.app.app.objects;
    assert!(objects.get(&store.key).await.is_err(), "{}: the object is there", place.name);
    assert_eq!(objects.list_parts(store).await.unwrap(), None, "{}", place.name);
}

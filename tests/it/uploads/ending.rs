//! Uploads of which no document comes: deleted, expired, cut off at their beginning.

use pidima::adapters::objects::{ObjectKey, StoreUpload};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Place, begin, complete, file, path, places, send_all, send_part};
use crate::api::problem;
use crate::support::TestTenant;

pub async fn store_of(place: &Place, tenant: &TestTenant, upload: &Value) -> StoreUpload {
    let (version_id, id) = place.row(upload).await;
    StoreUpload { key: ObjectKey::original(tenant.id, version_id), id: id.unwrap() }
}

#[tokio::test]
async fn an_upload_that_is_deleted_is_gone_with_its_parts() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let upload = begin(&tenant, "pumps.md", 1_000).await;
        let body = send_all(&tenant, &upload, &file(1_000)).await;
        let store = store_of(&place, &tenant, &upload).await;
        tenant.delete(&path(&upload)).await.expect(204);
        let objects = &place.app.app.objects;
        assert_eq!(objects.list_parts(&store).await.unwrap(), None, "{name}");
        let late = send_part(&tenant, &upload["parts"][0], &file(1_000)).await;
        assert_eq!(late.status, 404, "{name}: {}", late.text());
        assert_eq!(objects.list_parts(&store).await.unwrap(), None, "{name}");
        problem(&complete(&tenant, &upload, &body).await, 404, "not_found");
        problem(&tenant.delete(&path(&upload)).await, 404, "not_found");
        problem(&tenant.get(&path(&upload)).await, 404, "not_found");
    }
}

#[tokio::test]
async fn a_completed_upload_is_not_deleted_and_its_document_stays() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let (upload, reply) = super::whole(&tenant, "pumps.md", &file(1_000)).await;
        let document = reply.expect(202);
        problem(&tenant.delete(&path(&upload)).await, 409, "conflict");
        // Its row goes when its time is over, and nothing else.
        place.run("update app.uploads set expires_at = now()").await;
        assert_eq!(
            place.app.app.services.uploads.sweep(&CancellationToken::new()).await.unwrap(),
            1,
            "{}",
            place.name
        );
        place.app.app.worker.run_until_idle().await.unwrap();
        let id = document["id"].as_str().unwrap();
        let found = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
        assert_eq!(found["state"], "ready", "{}: {found}", place.name);
    }
}

#[tokio::test]
async fn an_upload_expires_and_not_before_its_time() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let upload = begin(&tenant, "pumps.md", 1_000).await;
        let body = send_all(&tenant, &upload, &file(1_000)).await;
        let store = store_of(&place, &tenant, &upload).await;
        let uploads = &place.app.app.services.uploads;
        assert_eq!(uploads.sweep(&CancellationToken::new()).await.unwrap(), 0, "{name}");
        place.run("update app.uploads set expires_at = now()").await;
        assert_eq!(tenant.get(&path(&upload)).await.expect(200)["state"], "expired", "{name}");
        let refused = problem(&complete(&tenant, &upload, &body).await, 409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("expired at"), "{name}: {refused}");
        if name == "directory" {
            let late = send_part(&tenant, &upload["parts"][0], &file(1_000)).await;
            problem(&late, 409, "conflict");
        }
        assert_eq!(uploads.sweep(&CancellationToken::new()).await.unwrap(), 1, "{name}");
        let objects = &place.app.app.objects;
        assert_eq!(objects.list_parts(&store).await.unwrap(), None, "{name}");
        problem(&complete(&tenant, &upload, &body).await, 404, "not_found");
        assert_eq!(place.count("select count(*) from app.uploads").await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_upload_whose_beginning_was_cut_off_is_found_and_removed() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let upload = begin(&tenant, "pumps.md", 1_000).await;
        send_all(&tenant, &upload, &file(1_000)).await;
        let store = store_of(&place, &tenant, &upload).await;
        // As after a crash before the store's id was noted.
        place.run("update app.uploads set state = 'opening', store_id = null").await;
        problem(&tenant.get(&path(&upload)).await, 404, "not_found");
        place.run("update app.uploads set expires_at = now()").await;
        assert_eq!(
            place.app.app.services.uploads.sweep(&CancellationToken::new()).await.unwrap(),
            1,
            "{name}"
        );
        assert_eq!(place.app.app.objects.list_parts(&store).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn the_worker_sweeps_by_itself() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        begin(&tenant, "pumps.md", 1_000).await;
        place.run("update app.uploads set expires_at = now()").await;
        place.app.start_worker();
        crate::support::eventually("the upload is removed", || async {
            place.count("select count(*) from app.uploads").await == 0
        })
        .await;
    }
}

#[tokio::test]
async fn another_tenants_upload_and_one_out_of_reach_are_none() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let other = place.app.tenant("other").await;
        let mine = tenant.post("/v1/collections", &json!({ "name": "mine" })).await.expect(201);
        let key = json!({ "name": "limited", "role": "editor", "collection_ids": [mine["id"]] });
        let key = tenant.post("/v1/api_keys", &key).await.expect(201);
        let limited = tenant.with_key(key["secret"].as_str().unwrap());
        let upload = begin(&tenant, "pumps.md", 1_000).await;
        let body = send_all(&tenant, &upload, &file(1_000)).await;
        let absent = json!({ "id": Uuid::now_v7() });
        for stranger in [&other, &limited] {
            let told = async |upload: &Value| {
                let mut told = Vec::new();
                for reply in [
                    stranger.get(&path(upload)).await,
                    complete(stranger, upload, &body).await,
                    stranger.delete(&path(upload)).await,
                ] {
                    let mut problem = problem(&reply, 404, "not_found");
                    problem["request_id"] = Value::Null;
                    told.push(problem.to_string());
                }
                told
            };
            assert_eq!(told(&upload).await, told(&absent).await, "{name}");
        }
        let elsewhere = json!({ "name": "a.md", "size_bytes": 10, "collection_id": mine["id"] });
        problem(&other.post("/v1/uploads", &elsewhere).await, 404, "not_found");
        limited.post("/v1/uploads", &elsewhere).await.expect(201);
        complete(&tenant, &upload, &body).await.expect(202);
    }
}

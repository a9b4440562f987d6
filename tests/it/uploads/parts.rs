//! Where parts are sent, and what is asked of them.

use pidima::adapters::objects::{ObjectKey, StoreUpload};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PART, begin, complete, file, path, places, send_all, send_part, sha256, whole};
use crate::api::problem;
use crate::aws::StandIn;
use crate::aws::proxy::FaultProxy;
use crate::idempotency::KEY;

#[tokio::test]
async fn a_file_in_parts_becomes_the_document_that_it_would_be_at_once() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(2 * PART + 1_000);
        let body = json!({ "name": "a/pumps.md", "size_bytes": bytes.len(), "content_type": "text/markdown",
            "sha256": sha256(&bytes), "source_url": "https://docs.example.com/pumps", "metadata": { "product": "pump" } });
        let upload = tenant.post("/v1/uploads", &body).await.expect(201);
        assert_eq!(upload["state"], "open", "{name}");
        let parts = upload["parts"].as_array().unwrap();
        let sizes: Vec<u64> = parts.iter().map(|it| it["size_bytes"].as_u64().unwrap()).collect();
        assert_eq!(sizes, [PART as u64, PART as u64, 1_000], "{name}");
        assert!(parts.iter().all(|part| part["etag"].is_null()), "{name}: {upload}");
        // In any order.
        for number in [2, 0, 1] {
            let piece = bytes.chunks(PART).nth(number).unwrap();
            let reply = send_part(&tenant, &parts[number], piece).await;
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        }
        let seen = tenant.get(&path(&upload)).await.expect(200);
        let named: Vec<Value> = seen["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| json!({ "part_number": part["part_number"], "etag": part["etag"] }))
            .collect();
        // With what the list of parts tells an upload goes on after an interruption.
        let body = json!({ "parts": named, "sha256": sha256(&bytes) });
        let document = complete(&tenant, &upload, &body).await.expect(202);
        for (field, value) in [
            ("name", json!("a/pumps.md")),
            ("state", json!("received")),
            ("version_number", json!(1)),
            ("source_url", json!("https://docs.example.com/pumps")),
            ("metadata", json!({ "product": "pump" })),
        ] {
            assert_eq!(document[field], value, "{name}: {field}");
        }
        let (version_id, _) = place.row(&upload).await;
        let key = ObjectKey::original(tenant.id, version_id);
        assert!(place.app.app.objects.get(&key).await.unwrap() == bytes, "{name}");
        let done = tenant.get(&path(&upload)).await.expect(200);
        assert_eq!((&done["state"], &done["document_id"]), (&json!("completed"), &document["id"]));
        assert!(done["parts"][0]["url"].is_null(), "{name}: no part is taken any more");
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
        place.app.app.worker.run_until_idle().await.unwrap();
        let id = document["id"].as_str().unwrap();
        let ready = tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
        assert_eq!(ready["state"], "ready", "{name}: {ready}");
        let versions = tenant.get(&format!("/v1/documents/{id}/versions")).await.expect(200);
        assert_eq!(versions["items"][0]["content_sha256"], sha256(&bytes), "{name}");
        assert_eq!(versions["items"][0]["size_bytes"], bytes.len(), "{name}");
    }
}

#[tokio::test]
async fn who_waits_is_answered_when_the_document_is_in_search() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        place.app.start_worker();
        let bytes = file(1_000);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let body = send_all(&tenant, &upload, &bytes).await;
        let waiting = format!("{}/complete?wait=ready", path(&upload));
        let document = tenant.post(&waiting, &body).await.expect(200);
        assert_eq!(document["state"], "ready", "{}: {document}", place.name);
        let again = tenant.post(&waiting, &body).await;
        assert_eq!(again.headers["idempotency-replayed"], "true", "{}", place.name);
    }
}

#[tokio::test]
async fn a_name_that_is_there_gets_a_new_version_and_the_same_bytes_none() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let first = tenant.upload("pumps.md", file(1_000)).await.expect(202);
        let (_, reply) = whole(&tenant, "pumps.md", &file(2_000)).await;
        let second = reply.expect(202);
        assert_eq!((&second["id"], &second["version_number"]), (&first["id"], &json!(2)), "{name}");
        let (upload, reply) = whole(&tenant, "pumps.md", &file(2_000)).await;
        assert_eq!(reply.expect(200)["version_number"], 2, "{name}");
        // The object that nobody needs goes, and nothing is left to be removed.
        place.app.app.worker.run_until_idle().await.unwrap();
        let (version_id, _) = place.row(&upload).await;
        let key = ObjectKey::original(tenant.id, version_id);
        assert!(place.app.app.objects.get(&key).await.is_err(), "{name}");
        assert_eq!(place.count("select count(*) from app.pending_originals").await, 0, "{name}");
    }
}

#[tokio::test]
async fn addresses_lie_under_the_tenant_and_are_the_same_for_whoever_asks_again() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let upload = begin(&tenant, "pumps.md", PART + 1).await;
        let again = tenant.get(&path(&upload)).await.expect(200);
        assert_eq!(upload, again, "{name}");
        let url = upload["parts"][1]["url"].as_str().unwrap();
        if name == "s3" {
            let (version_id, store_id) = place.row(&upload).await;
            assert!(url.contains(&format!("/t/{}/versions/{version_id}?", tenant.id)), "{url}");
            assert!(url.contains("partNumber=2"), "{url}");
            assert!(url.contains(&format!("uploadId={}", store_id.unwrap())), "{url}");
            assert!(url.contains("X-Amz-Signature="), "{url}");
            assert!(url.contains("X-Amz-SignedHeaders=content-length%3Bhost"), "{url}");
            assert!(url.contains("X-Amz-Expires=3600"), "{url}");
        } else {
            assert!(url.starts_with(&format!("{}/parts/2?token={}.", path(&upload), tenant.id)));
        }
        assert!(!tenant.key.is_empty() && !url.contains(&tenant.key), "{url}");
    }
}

#[tokio::test]
async fn a_part_that_is_sent_again_replaces_the_one_before() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let (old, new) = (file(900), [b"# New\n\n".as_slice(), &file(893)].concat());
        let upload = begin(&tenant, "pumps.md", 900).await;
        let stale = send_all(&tenant, &upload, &old).await;
        let body = send_all(&tenant, &upload, &new).await;
        let refused = problem(&complete(&tenant, &upload, &stale).await, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/parts/0/etag", "{name}: {refused}");
        complete(&tenant, &upload, &body).await.expect(202);
        let (version_id, _) = place.row(&upload).await;
        let key = ObjectKey::original(tenant.id, version_id);
        assert!(place.app.app.objects.get(&key).await.unwrap() == new, "{name}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_parts_is_told_and_can_be_mended() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let bytes = file(PART + 500);
        let upload = begin(&tenant, "pumps.md", bytes.len()).await;
        let parts = upload["parts"].as_array().unwrap();
        let first = send_part(&tenant, &parts[0], &bytes[..PART]).await;
        let first = json!({ "part_number": 1, "etag": first.headers["etag"].to_str().unwrap() });
        let second = json!({ "part_number": 2, "etag": "\"00000000000000000000000000000000\"" });
        let digest = sha256(&bytes);
        for (named, pointer) in [
            (json!([first]), "/parts"),
            (json!([first, second]), "/parts/1"),
            (json!([second, first]), "/parts/0/part_number"),
            (json!([first, first]), "/parts/1/part_number"),
            (json!([first, second, { "part_number": 3, "etag": "x" }]), "/parts/1"),
        ] {
            let body = json!({ "parts": named, "sha256": digest });
            let reply = complete(&tenant, &upload, &body).await;
            let refused = problem(&reply, 422, "validation_failed");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{name}: {refused}");
        }
        for size in [499, 501] {
            let reply = send_part(&tenant, &parts[1], &file(size)).await;
            if name == "directory" {
                problem(&reply, 422, "validation_failed");
            } else {
                // The length is part of what was signed.
                assert_eq!(reply.status, 403, "{}", reply.text());
            }
            // Also if one came past that, as nobody's could.
            let (version_id, store_id) = place.row(&upload).await;
            let key = ObjectKey::original(tenant.id, version_id);
            let store = StoreUpload { key, id: store_id.unwrap() };
            let objects = &place.app.app.objects;
            let etag = objects.put_part(&store, 2, file(size).into()).await.unwrap();
            let wrong = json!({ "part_number": 2, "etag": etag });
            let body = json!({ "parts": [first, wrong], "sha256": digest });
            let reply = complete(&tenant, &upload, &body).await;
            let refused = problem(&reply, 422, "validation_failed");
            let told = refused["errors"][0]["detail"].as_str().unwrap();
            assert!(told.contains(&format!("{size} bytes and must have 500")), "{told}");
        }
        assert_eq!(tenant.get(&path(&upload)).await.expect(200)["state"], "open", "{name}");
        let body = send_all(&tenant, &upload, &bytes).await;
        complete(&tenant, &upload, &body).await.expect(202);
    }
}

#[tokio::test]
async fn an_address_of_ours_is_good_for_its_part_alone_and_until_its_time_is_over() {
    let places = places(&[("PIDIMA_LARGE_UPLOAD_URL_LIFETIME_MS", "2000")]).await;
    let place = &places[0];
    let tenant = place.app.tenant("acme").await;
    let other = place.app.tenant("other").await;
    let upload = begin(&tenant, "pumps.md", 2 * PART).await;
    let foreign = begin(&other, "pumps.md", 2 * PART).await;
    let token = |upload: &Value, part: usize| {
        let url = upload["parts"][part]["url"].as_str().unwrap();
        url.split_once("token=").unwrap().1.to_owned()
    };
    let send = async |id: &str, part: u32, token: &str| {
        let url = format!("/v1/uploads/{id}/parts/{part}?token={token}");
        let part = json!({ "url": url, "headers": { "content-type": "application/octet-stream" } });
        send_part(&tenant, &part, &file(PART)).await
    };
    let id = upload["id"].as_str().unwrap();
    for token in ["", "x", "a.b.c", &token(&upload, 1), &token(&foreign, 0)] {
        problem(&send(id, 1, token).await, 401, "unauthenticated");
    }
    let absent = Uuid::now_v7().to_string();
    problem(&send(&absent, 1, &token(&upload, 0)).await, 401, "unauthenticated");
    crate::support::eventually("its time is over", || async {
        send(id, 1, &token(&upload, 0)).await.status == 401
    })
    .await;
    // Whoever asks again gets another one.
    let fresh = tenant.get(&path(&upload)).await.expect(200);
    assert_ne!(token(&fresh, 0), token(&upload, 0));
}

#[tokio::test]
async fn the_store_is_asked_which_parts_have_arrived_only_when_any_can_have() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    let places = places(&[("AWS_ENDPOINT_URL", proxy.url.as_str())]).await;
    let place = places.iter().find(|place| place.name == "s3").unwrap();
    let tenant = place.app.tenant("acme").await;
    let asked =
        || proxy.count(|seen| seen.line.starts_with("GET ") && seen.line.contains("uploadId="));
    let body = json!({ "name": "pumps.md", "size_bytes": 2 * PART });
    let begun = async || {
        let request = tenant.request(reqwest::Method::POST, "/v1/uploads").json(&body);
        tenant.send(request.header(KEY, "once")).await.expect(201)
    };
    let upload = begun().await;
    assert_eq!((upload["parts"].as_array().unwrap().len(), asked()), (2, 0));
    let (version_id, store_id) = place.row(&upload).await;
    let key = ObjectKey::original(tenant.id, version_id);
    let store = StoreUpload { key, id: store_id.unwrap() };
    place.app.app.objects.put_part(&store, 2, file(PART).into()).await.unwrap();
    // Who begins it again under the same key may have sent some.
    let again = begun().await;
    assert_eq!(asked(), 1);
    assert!(again["parts"][0].get("etag").is_none(), "{again}");
    assert!(again["parts"][1]["etag"].is_string(), "{again}");
    tenant.get(&path(&upload)).await.expect(200);
    assert_eq!(asked(), 2);
}

//! The list of uploads: what is there of a caller's, in parts and by state.

use serde_json::{Value, json};

use super::{begin, complete, file, path, places, send_all, sha256, whole};
use crate::api::problem;
use crate::support::TestTenant;

/// A page of the list.
async fn list(tenant: &TestTenant, query: &str) -> Value {
    tenant.get(&format!("/v1/uploads?{query}")).await.expect(200)
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn uploads_are_listed_newest_first_by_state_and_without_their_parts() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        assert_eq!(list(&tenant, "").await, json!({ "items": [] }), "{name}");
        let expired = begin(&tenant, "expired.md", 10).await;
        place.run("update app.uploads set expires_at = now()").await;
        begin(&tenant, "late.md", 10).await;
        // A beginning that was not noted yet is nobody's to see, and a cut off completion has a time too.
        place
            .run("update app.uploads set state = 'completing', expires_at = now() where name = 'late.md'")
            .await;
        begin(&tenant, "completing.md", 10).await;
        place.run("update app.uploads set state = 'completing' where name = 'completing.md'").await;
        begin(&tenant, "opening.md", 10).await;
        place
            .run("update app.uploads set state = 'opening', store_id = null where name = 'opening.md'")
            .await;
        let failed = begin(&tenant, "failed.md", 1_000).await;
        let mut body = send_all(&tenant, &failed, &file(1_000)).await;
        body["sha256"] = json!(sha256(b"another file"));
        problem(&complete(&tenant, &failed, &body).await, 422, "validation_failed");
        let (_, reply) = whole(&tenant, "completed.md", &file(1_000)).await;
        let document = reply.expect(202);
        let open = begin(&tenant, "open.md", super::PART + 1).await;
        let ends =
            "update app.uploads set expires_at = now() where state in ('completed', 'failed')";
        place.run(ends).await;

        let all = list(&tenant, "").await;
        let wanted =
            ["open.md", "completed.md", "failed.md", "completing.md", "late.md", "expired.md"];
        assert_eq!(names(&all), wanted, "{name}");
        assert!(all.get("next_cursor").is_none(), "{all}");
        let by_state: [(&str, &[&str]); 5] = [
            ("open", &["open.md"]),
            ("completing", &["completing.md"]),
            ("completed", &["completed.md"]),
            ("failed", &["failed.md"]),
            ("expired", &["late.md", "expired.md"]),
        ];
        for (state, wanted) in by_state {
            let page = list(&tenant, &format!("state={state}")).await;
            assert_eq!(names(&page), wanted, "{name}");
            let items = page["items"].as_array().unwrap();
            assert!(items.iter().all(|item| item["state"] == state), "{name}: {page}");
        }
        let items = all["items"].as_array().unwrap();
        assert_eq!(items[0]["id"], open["id"], "{name}");
        assert_eq!(items[0]["part_count"], 2, "{name}");
        assert_eq!(items[0]["expires_at"], open["expires_at"], "{name}");
        assert_eq!(items[1]["document_id"], document["id"], "{name}");
        assert_eq!(items[2]["failure"]["code"], "checksum_mismatch", "{name}");
        assert_eq!(items[5]["id"], expired["id"], "{name}");
        // Addresses are secrets of a kind: who wants one gets the upload.
        assert!(items.iter().all(|item| item.get("parts").is_none()), "{name}: {all}");

        let first = list(&tenant, "limit=4").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = list(&tenant, &format!("limit=4&cursor={cursor}")).await;
        assert_eq!([names(&first), names(&second)].concat(), wanted, "{name}");
        assert!(second.get("next_cursor").is_none(), "{second}");
        for state in ["opening", "happy", ""] {
            let refused = tenant.get(&format!("/v1/uploads?state={state}")).await;
            let refused = problem(&refused, 422, "validation_failed");
            assert_eq!(refused["errors"][0]["pointer"], "state", "{name}: {refused}");
        }
        tenant.delete(&path(&open)).await.expect(204);
        assert_eq!(names(&list(&tenant, "state=open").await), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn an_upload_out_of_reach_is_in_no_list() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let other = place.app.tenant("other").await;
        let group = tenant.post("/v1/groups", &json!({ "name": "chemists" })).await.expect(201);
        let collection = json!({ "name": "limited", "group_ids": [group["id"]] });
        let limited = tenant.post("/v1/collections", &collection).await.expect(201);
        let body = json!({ "name": "secret.md", "size_bytes": 10, "collection_id": limited["id"] });
        tenant.post("/v1/uploads", &body).await.expect(201);
        begin(&tenant, "open.md", 10).await;
        let key = json!({ "name": "narrow", "role": "editor", "collection_ids": [limited["id"]] });
        let key = tenant.post("/v1/api_keys", &key).await.expect(201);
        let narrow = tenant.with_key(key["secret"].as_str().unwrap());
        let editor = tenant.with_role("editor").await;
        assert_eq!(names(&list(&tenant, "").await), ["open.md", "secret.md"], "{name}");
        assert_eq!(names(&list(&narrow, "").await), ["secret.md"], "{name}");
        assert_eq!(names(&list(&editor, "").await), ["open.md"], "{name}");
        assert_eq!(list(&other, "").await, json!({ "items": [] }), "{name}");
        // What is out of reach takes no room on a page.
        let page = list(&editor, "limit=1").await;
        assert_eq!(names(&page), ["open.md"], "{name}");
        assert!(page.get("next_cursor").is_none(), "{name}: {page}");
        let member = tenant.with_role("member").await;
        problem(&member.get("/v1/uploads").await, 403, "forbidden");
    }
}

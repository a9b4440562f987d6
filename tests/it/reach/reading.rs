//! Lists, single things and search.

use serde_json::{Value, json};

use super::{Library, MARK, made, upload};
use crate::support::{Reply, TestApp, TestTenant};

/// Status and body without the id of the request.
fn seen(reply: &Reply) -> (u16, String) {
    let id = reply.headers["x-request-id"].to_str().unwrap();
    (reply.status.as_u16(), reply.text().replace(id, "<request>"))
}

/// Everybody who is not in the group and does not manage the tenant.
async fn outsiders(library: &Library) -> Vec<(&'static str, TestTenant)> {
    let tenant = &library.tenant;
    let mut all = Vec::new();
    for role in ["analyst", "member", "editor"] {
        all.push((role, tenant.as_member(role).await));
        all.push((role, tenant.with_role(role).await));
    }
    all
}

/// Every request that reads or changes things by the id of a collection or document.
async fn by_id(reader: &TestTenant, collection: &str, document: &str) -> Vec<Reply> {
    let in_collection = json!([collection]);
    let changes = json!({ "description": "x" });
    vec![
        reader.get(&format!("/v1/collections/{collection}")).await,
        reader.get(&format!("/v1/documents/{document}")).await,
        reader.get(&format!("/v1/documents/{document}/versions")).await,
        reader.get(&format!("/v1/documents?collection_id={collection}")).await,
        reader
            .post("/v1/search", &json!({ "query": "pump", "collection_ids": in_collection }))
            .await,
        reader
            .post("/v1/answers", &json!({ "question": "pump?", "collection_ids": in_collection }))
            .await,
        reader.post("/v1/sessions", &json!({ "collection_ids": in_collection })).await,
        upload(reader, collection, "new.md", "The pump.").await,
        reader.patch(&format!("/v1/collections/{collection}"), &changes).await,
        reader.patch(&format!("/v1/documents/{document}"), &json!({ "metadata": {} })).await,
        reader.delete(&format!("/v1/documents/{document}")).await,
        reader.delete(&format!("/v1/collections/{collection}")).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_reach_looks_exactly_like_what_is_not_there() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-absent").await;
    let (nothing, none) = (uuid::Uuid::now_v7().to_string(), uuid::Uuid::now_v7().to_string());
    let mut bytes = 0;
    for (role, reader) in outsiders(&library).await {
        let limited = by_id(&reader, &library.limited, &library.limited_document).await;
        let absent = by_id(&reader, &nothing, &none).await;
        for (place, (limited, absent)) in limited.iter().zip(&absent).enumerate() {
            assert_eq!(seen(limited), seen(absent), "{role}, request {place}");
            assert!(!limited.text().contains(MARK));
            bytes += limited.bytes.len();
        }
    }
    println!("{bytes} bytes without the mark");
    // Nothing of it was changed or deleted on the way.
    library.tenant.get(&format!("/v1/documents/{}", library.limited_document)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_search_show_what_is_within_reach_and_count_nothing_else() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-lists").await;
    let search = json!({ "query": format!("{MARK} pump"), "explain": true, "limit": 50 });
    let in_open = json!({
        "query": format!("{MARK} pump"), "explain": true, "limit": 50, "collection_ids": [library.open],
    });
    let without_times = |mut found: Value| {
        for name in ["embed_ms", "dense_ms", "lexical_ms", "fuse_ms"] {
            found["explanation"].as_object_mut().unwrap().remove(name);
        }
        found
    };
    let expected = without_times(library.tenant.post("/v1/search", &in_open).await.expect(200));
    for (role, reader) in outsiders(&library).await {
        for path in ["/v1/collections", "/v1/documents", "/v1/documents?state=ready"] {
            let listed = reader.get(path).await.expect(200);
            assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{role} {path}");
            assert!(!listed.to_string().contains(MARK), "{role} {path}");
        }
        // Scores, sizes and ranks are those of an index without the limited collection.
        let found = without_times(reader.post("/v1/search", &search).await.expect(200));
        assert_eq!(found, expected, "{role}");
        let hits = found["items"].as_array().unwrap();
        assert!(hits.iter().all(|hit| hit["document_id"] == library.open_document), "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_group_and_who_manages_the_tenant_read_everything() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-inside").await;
    let tenant = &library.tenant;
    let chemist = tenant.as_member("member").await;
    library.admit(&chemist).await;
    let readers = [
        chemist,
        tenant.as_member("admin").await,
        tenant.as_member("owner").await,
        tenant.with_role("admin").await,
        tenant.clone(),
    ];
    for reader in &readers {
        let collection =
            reader.get(&format!("/v1/collections/{}", library.limited)).await.expect(200);
        assert_eq!(collection["group_ids"], json!([library.group]));
        reader.get(&format!("/v1/documents/{}", library.limited_document)).await.expect(200);
        let query = json!({ "query": format!("{MARK} pump"), "collection_ids": [library.limited] });
        let found = reader.post("/v1/search", &query).await.expect(200);
        assert!(found["items"][0]["text"].as_str().unwrap().contains(MARK));
        let listed = reader.get("/v1/documents").await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_group_holds_for_the_very_next_request() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-at-once").await;
    let member = library.tenant.as_member("member").await;
    let path = format!("/v1/documents/{}", library.limited_document);
    for _ in 0..3 {
        member.get(&path).await.expect(404);
        library.admit(&member).await;
        member.get(&path).await.expect(200);
        library.expel(&member).await;
    }
    // The same from the other side: the collection is opened and closed.
    let collection = format!("/v1/collections/{}", library.limited);
    library.tenant.patch(&collection, &json!({ "group_ids": [] })).await.expect(200);
    member.get(&path).await.expect(200);
    library.tenant.patch(&collection, &json!({ "group_ids": [library.group] })).await.expect(200);
    member.get(&path).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_everything_limited_a_search_finds_nothing_rather_than_everything() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-nothing").await;
    let collection = format!("/v1/collections/{}", library.open);
    library.tenant.patch(&collection, &json!({ "group_ids": [library.group] })).await.expect(200);
    let member = library.tenant.as_member("member").await;
    let query = json!({ "query": "pump", "explain": true });
    let found = member.post("/v1/search", &query).await.expect(200);
    assert_eq!(found["items"], json!([]));
    assert_eq!(found["explanation"]["searched_chunks"], 0);
    assert_eq!(member.ask("At how many bar does the pump run?").await["outcome"], "no_answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_without_a_collection_respects_a_limit_of_the_default_one() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "reach-default").await;
    let body = json!({ "name": "default", "group_ids": [library.group] });
    made(&library.tenant, "/v1/collections", body).await;
    let editor = library.tenant.as_member("editor").await;
    editor.upload("new.md", "The pump.").await.expect(404);
    library.admit(&editor).await;
    editor.upload("new.md", "The pump.").await.expect(202);
    library.expel(&editor).await;
    // Not even that the same bytes are there already.
    editor.upload("new.md", "The pump.").await.expect(404);
}

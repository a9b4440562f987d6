//! What is brought in is what was dumped.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Place, ask, bring_in, collection, library, place, places, restore_state, rows, show, state,
    text, upload,
};
use crate::api::problem;
use crate::support::{TestTenant, WordsEmbedder};

/// Columns that tell which copy a row is of, and not what it holds.
const OWN: [&str; 6] = [
    "document_id",
    "version_id",
    "version_number",
    "original_version_id",
    "created_at",
    "chunk_id",
];

type Row = BTreeMap<String, String>;

/// Every row of a dump without ids, which stand for names and places here; sorted.
async fn contents(tenant: &TestTenant, dump: &Value) -> Vec<Row> {
    let documents = rows(tenant, dump, "documents.parquet").await;
    let names: BTreeMap<String, String> =
        documents.iter().map(|row| (row["document_id"].clone(), row["name"].clone())).collect();
    let chunks = rows(tenant, dump, "chunks.parquet").await;
    let places: BTreeMap<String, String> = chunks
        .iter()
        .map(|row| {
            let place = format!("{} {}", names[&row["document_id"]], row["ordinal"]);
            (row["chunk_id"].clone(), place)
        })
        .collect();
    let embeddings = rows(tenant, dump, "embeddings.parquet").await;
    let plain = |kind: &str, mut row: Row| {
        if let Some(place) = row.get("chunk_id").and_then(|id| places.get(id)) {
            row.insert("place".to_owned(), place.clone());
        }
        row.insert("kind".to_owned(), kind.to_owned());
        row.retain(|column, _| !OWN.contains(&column.as_str()));
        row
    };
    let mut all: Vec<Row> = documents.into_iter().map(|row| plain("document", row)).collect();
    all.extend(chunks.into_iter().map(|row| plain("chunk", row)));
    all.extend(embeddings.into_iter().map(|row| plain("embedding", row)));
    all.sort();
    all
}

/// What a question finds in a collection, without ids.
pub(super) async fn found(tenant: &TestTenant, collection: &str, query: &str) -> Value {
    let body =
        json!({ "query": query, "collection_ids": [collection], "limit": 20, "explain": true });
    let mut found = tenant.post("/v1/search", &body).await.expect(200);
    let hits = found["items"].as_array_mut().unwrap();
    assert!(!hits.is_empty(), "{query}");
    for hit in hits.iter_mut() {
        for field in ["chunk_id", "document_id", "version_id", "version_number"] {
            hit.as_object_mut().unwrap().remove(field);
        }
    }
    json!(hits)
}

/// Dumps, brings in, dumps that, and compares.
pub(super) async fn round_trip(place: &Place, tenant: &TestTenant, from: &str) -> String {
    let first = place.dumped(tenant, from).await;
    assert_eq!(state(&first), ("ready", ""), "{}: {first}", place.name);
    place.embedder.take_passages();
    let restore = place.restored(tenant, &text(&first["dump"]["id"]), "restored").await;
    assert_eq!(restore_state(&restore), ("completed", ""), "{}: {restore}", place.name);
    assert_eq!(restore["counts"]["restored"], first["dump"]["counts"]["documents"]);
    assert_eq!(place.embedder.take_passages(), Vec::<String>::new(), "nothing is embedded");
    let to = text(&restore["collection_id"]);
    let second = place.dumped(tenant, &to).await;
    assert_eq!(second["dump"]["counts"], first["dump"]["counts"], "{}", place.name);
    let (old, new) = (contents(tenant, &first).await, contents(tenant, &second).await);
    assert!(old == new, "{}: {old:?}\n{new:?}", place.name);
    to
}

#[tokio::test]
async fn a_collection_that_is_brought_in_is_equal_row_by_row_and_found_alike() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let from = library(&place, &tenant).await;
        let to = round_trip(&place, &tenant, &from).await;
        for query in ["Which part bears 7 bar?", "blue valve", "How long runs the lantern?"] {
            let (old, new) = (found(&tenant, &from, query).await, found(&tenant, &to, query).await);
            assert_eq!(old, new, "{}: {query}", place.name);
        }
        let count = async |id: &str| {
            tenant.get(&format!("/v1/collections/{id}")).await.expect(200)["chunk_count"].clone()
        };
        assert_eq!(count(&from).await, count(&to).await);
    }
}

#[tokio::test]
async fn where_groups_of_rows_end_makes_no_difference() {
    for (rows, bytes) in [("1", "16777216"), ("2", "16777216"), ("7", "2048"), ("10000", "1024")] {
        let settings =
            [("PIDIMA_DUMP_ROW_GROUP_ROWS", rows), ("PIDIMA_DUMP_ROW_GROUP_BYTES", bytes)];
        let place = place("directory", &settings).await;
        let tenant = place.app.tenant("acme").await;
        let from = library(&place, &tenant).await;
        round_trip(&place, &tenant, &from).await;
    }
}

#[tokio::test]
async fn a_collection_with_nothing_in_search_is_dumped_and_brought_in_too() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let empty = collection(&tenant, "empty").await;
        round_trip(&place, &tenant, &empty).await;
    }
}

#[tokio::test]
async fn a_document_that_was_brought_in_can_be_read_once_more() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let from = collection(&tenant, "manuals").await;
        let old = upload(&tenant, &from, "a.md", "# A\n\nThe pump runs at 3 bar.").await;
        place.work().await;
        // Its bytes are those of the version before.
        let again = tenant.request(Method::POST, &format!("/v1/documents/{old}/reprocess"));
        tenant.send(again).await.expect(202);
        place.work().await;
        round_trip(&place, &tenant, &from).await;
        tenant.delete(&format!("/v1/documents/{old}")).await.expect(204);
        place.work().await;
        let page = tenant.get("/v1/documents").await.expect(200);
        let [copy] = &page["items"].as_array().unwrap()[..] else { panic!("{page}") };
        let path = format!("/v1/documents/{}/reprocess", text(&copy["id"]));
        tenant.send(tenant.request(Method::POST, &path)).await.expect(202);
        place.work().await;
        let document = tenant.get(&format!("/v1/documents/{}", text(&copy["id"]))).await;
        let document = document.expect(200);
        assert_eq!((&document["state"], &document["version_number"]), (&json!("ready"), &json!(2)));
    }
}

#[tokio::test]
async fn a_collection_is_dumped_and_brought_in_with_the_model_that_its_searches_read() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let from = library(&place, &tenant).await;
        let path = format!("/v1/collections/{from}/reembeddings");
        let body = json!({ "embedding_model": WordsEmbedder::MODEL });
        let begun = tenant.post(&path, &body).await.expect(202);
        place.work().await;
        let before = place.dumped(&tenant, &from).await;
        assert_eq!(before["dump"]["embedding_model"], "all-minilm-l6-v2-int8", "{before}");
        let switch = format!("{path}/{}/switch", text(&begun["id"]));
        tenant.send(tenant.request(Method::POST, &switch)).await.expect(200);
        let to = round_trip(&place, &tenant, &from).await;
        for collection in [&from, &to] {
            let path = format!("/v1/collections/{collection}/dumps");
            let dump = tenant.get(&path).await.expect(200)["items"][0].clone();
            assert_eq!(dump["embedding_model"], WordsEmbedder::MODEL, "{}", place.name);
            assert_eq!(dump["embedding_dimensions"], 256, "{}", place.name);
            let path = format!("/v1/collections/{collection}/reembeddings");
            let model = tenant.get(&path).await.expect(200)["embedding_model"].clone();
            assert_eq!(model, WordsEmbedder::MODEL, "{}", place.name);
        }
        for query in ["Which part bears 7 bar?", "blue valve"] {
            let (old, new) = (found(&tenant, &from, query).await, found(&tenant, &to, query).await);
            assert_eq!(old, new, "{}: {query}", place.name);
        }
        // What was dumped before comes in with the model that was read then.
        let old = place.restored(&tenant, &text(&before["dump"]["id"]), "before").await;
        assert_eq!(restore_state(&old), ("completed", ""), "{old}");
    }
}

#[tokio::test]
async fn what_an_older_process_brings_into_a_collection_of_another_model_is_embedded_with_it() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let path = format!("/v1/collections/{from}/reembeddings");
    let body = json!({ "embedding_model": WordsEmbedder::MODEL });
    let begun = tenant.post(&path, &body).await.expect(202);
    place.work().await;
    let switch = format!("{path}/{}/switch", text(&begun["id"]));
    tenant.send(tenant.request(Method::POST, &switch)).await.expect(200);
    let dump = text(&place.dumped(&tenant, &from).await["dump"]["id"]);
    let restore = place.restored(&tenant, &dump, "again").await;
    assert_eq!(restore_state(&restore), ("completed", ""), "{restore}");
    let to = text(&restore["collection_id"]);
    upload(&tenant, &to, "late.md", "# Late\n\nThe late pump.\n").await;
    place.work().await;
    // What such a process leaves: no vector of a model that it does not know.
    place
        .run(
            "delete from app.reembedded_windows w
            using app.chunks c, app.documents d
            where c.chunk_id = w.chunk_id and d.document_id = c.document_id and d.name = 'late.md';
            update app.document_versions v set embedding_models = null
            from app.documents d
            where d.document_id = v.document_id and d.name = 'late.md';
            update app.reembeddings set touched_at = now() - interval '1 day'",
        )
        .await;
    let late = ask(&tenant, &to).await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &late).await), ("queued", ""));
    let never = tokio_util::sync::CancellationToken::new();
    place.app.app.worker.reembeddings.sweep(&never).await.unwrap();
    place.work().await;
    place.work().await;
    let dump = show(&tenant, &late).await;
    assert_eq!(state(&dump), ("ready", ""), "{dump}");
    assert_eq!(dump["dump"]["counts"]["documents"], 4);
    let path = format!("/v1/collections/{to}/reembeddings");
    let told = tenant.get(&path).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&told["state"], &told["to_model"]),
        (&json!("completed"), &json!(WordsEmbedder::MODEL))
    );
}

#[tokio::test]
async fn a_collection_is_not_re_embedded_while_it_is_being_filled() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &from).await["dump"]["id"]);
    let restore = bring_in(&tenant, &dump, "again").await.expect(202);
    let path = format!("/v1/collections/{}/reembeddings", text(&restore["collection_id"]));
    let body = json!({ "embedding_model": WordsEmbedder::MODEL });
    problem(&tenant.post(&path, &body).await, 409, "conflict");
    place.work().await;
    tenant.post(&path, &body).await.expect(202);
}

#[tokio::test]
async fn a_document_without_the_vectors_that_searches_read_is_waited_for() {
    let place = place("directory", &[("PIDIMA_DUMP_MAX_ATTEMPTS", "2")]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let id = ask(&tenant, &from).await;
    place.run("update app.document_versions set embedding_models = '{another}'").await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("queued", ""));
    place.run("update app.document_versions set embedding_models = null").await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("ready", ""));
    place.run("update app.document_versions set embedding_models = '{another}'").await;
    let id = ask(&tenant, &from).await;
    place.work().await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("failed", "vectors_missing"));
}

#[tokio::test]
async fn a_document_that_somebody_put_there_meanwhile_is_left_as_it_is() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let dump = place.dumped(&tenant, &from).await;
    let originals = place.app.objects.join("t").join(tenant.id.to_string()).join("versions");
    let count_originals = || std::fs::read_dir(&originals).unwrap().count();
    let before = count_originals();
    let restore = bring_in(&tenant, &text(&dump["dump"]["id"]), "again").await.expect(202);
    let to = text(&restore["collection_id"]);
    upload(&tenant, &to, "plain.txt", "Another text.").await;
    place.work().await;
    let path = format!("/v1/restores/{}", text(&restore["id"]));
    let restore = tenant.get(&path).await.expect(200);
    assert_eq!(restore_state(&restore), ("completed", ""));
    assert_eq!(restore["counts"], json!({ "documents": 3, "restored": 2, "skipped": 1 }));
    // Nor does the copy of its original stay.
    assert_eq!(place.count("select count(*) from app.pending_originals").await, 0);
    place.work().await;
    assert_eq!(count_originals(), before + 3, "the upload, and two that were brought in");
    let body = json!({ "query": "another text", "collection_ids": [to] });
    let found = tenant.post("/v1/search", &body).await.expect(200).to_string();
    assert!(found.contains("Another text.") && !found.contains("Laterne"), "{found}");
}

#[tokio::test]
async fn vectors_of_another_model_are_refused_before_and_while_they_are_brought_in() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &from).await["dump"]["id"]);
    let restore = bring_in(&tenant, &dump, "before").await.expect(202);
    place.run("update app.dumps set embedding_model = 'another'").await;
    let refused = problem(&bring_in(&tenant, &dump, "after").await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("another"), "{refused}");
    place.work().await;
    let path = format!("/v1/restores/{}", text(&restore["id"]));
    let restore = tenant.get(&path).await.expect(200);
    assert_eq!(restore_state(&restore), ("failed", "other_embedding_model"), "{restore}");
    place.run("update app.dumps set embedding_model = 'all-minilm-l6-v2-int8', embedding_dimensions = 3").await;
    problem(&bring_in(&tenant, &dump, "after").await, 409, "conflict");
    let names = tenant.get("/v1/collections").await.expect(200).to_string();
    assert!(!names.contains("after"), "nothing is made: {names}");
}

#[tokio::test]
async fn a_file_that_was_changed_is_not_brought_in() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &from).await["dump"]["id"]);
    let folder = place.folder(&tenant);
    for (number, name) in ["documents", "chunks", "embeddings"].iter().enumerate() {
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let ending = format!(".{name}.parquet");
        let file = files.find(|path| path.to_string_lossy().ends_with(&ending)).unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        std::fs::write(&file, changed).unwrap();
        let restore = place.restored(&tenant, &dump, &format!("changed {number}")).await;
        assert_eq!(restore_state(&restore), ("failed", "file_damaged"), "{name}: {restore}");
        assert_eq!(restore["counts"]["restored"], 0, "{name}");
        std::fs::write(&file, whole).unwrap();
    }
    let restore = place.restored(&tenant, &dump, "whole").await;
    assert_eq!(restore_state(&restore), ("completed", ""));
}

#[tokio::test]
async fn a_dump_of_another_form_is_refused_with_its_number() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let from = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &from).await["dump"]["id"]);
    let before = bring_in(&tenant, &dump, "of today").await.expect(202);
    let path = format!("/v1/restores/{}", text(&before["id"]));
    for (number, form) in [1, 3].into_iter().enumerate() {
        sqlx::query("update app.dumps set format_version = $1")
            .bind(form)
            .execute(&place.app.database.admin())
            .await
            .unwrap();
        let refused = problem(&bring_in(&tenant, &dump, "other").await, 409, "conflict");
        let told = format!("the form {form},");
        assert!(refused["detail"].as_str().unwrap().contains(&told), "{refused}");
        if number == 0 {
            place.work().await;
            let restore = tenant.get(&path).await.expect(200);
            assert_eq!(restore_state(&restore), ("failed", "unknown_format"), "{restore}");
            assert!(text(&restore["failure"]["detail"]).contains(&told), "{restore}");
        }
    }
    place.run("update app.dumps set format_version = 2").await;
    bring_in(&tenant, &dump, "other").await.expect(202);
}

//! What a model wrote about documents goes with them, and is not paid for again.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::round_trip::{found, round_trip};
use super::{Place, collection, place_with, rows, text, upload};
use crate::enrichment::writer::{CONTEXT_WORD, Writer};
use crate::support::TestTenant;

/// A document of three passages.
fn guide() -> String {
    let chapter = |word: &str| {
        let sentence = format!("The {word} of the machine runs at night and rests by day. ");
        format!("# {word}\n\n{}\n\n", sentence.repeat(14))
    };
    ["pump", "valve", "motor"].map(chapter).concat()
}

/// A service whose model is `writer`, with a collection that was enriched: tenant and collection.
async fn enriched(writer: &Arc<Writer>) -> (Place, TestTenant, String) {
    let place = place_with("directory", &[], Arc::clone(writer).into()).await;
    let tenant = place.app.tenant("acme").await;
    let guides = collection(&tenant, "guides").await;
    upload(&tenant, &guides, "guide.md", &guide()).await;
    place.work().await;
    switch(&tenant, &guides, "on").await;
    place.work().await;
    (place, tenant, guides)
}

async fn switch(tenant: &TestTenant, collection: &str, to: &str) {
    let path = format!("/v1/collections/{collection}");
    tenant.patch(&path, &json!({ "enrichment": to })).await.expect(200);
}

/// The only document of a collection.
async fn only(tenant: &TestTenant, collection: &str) -> String {
    let path = format!("/v1/documents?collection_id={collection}");
    let page = tenant.get(&path).await.expect(200);
    let [document] = &page["items"].as_array().unwrap()[..] else { panic!("{page}") };
    text(&document["id"])
}

/// What was written about the only document of a collection, without what differs from copy to copy.
async fn written(tenant: &TestTenant, collection: &str) -> Value {
    let document = only(tenant, collection).await;
    let path = format!("/v1/documents/{document}/enrichment");
    let mut shown = tenant.get(&path).await.expect(200);
    for field in ["document_id", "updated_at"] {
        shown.as_object_mut().unwrap().remove(field);
    }
    shown
}

/// How often the model was asked for a context.
fn contexts(writer: &Writer) -> usize {
    let prompts = writer.prompts().into_iter();
    prompts.filter(|prompt| prompt.question.starts_with("Context of passage ")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_summary_and_questions_come_in_with_a_document_and_are_not_paid_for_again() {
    let writer = Arc::new(Writer::default());
    let (place, tenant, from) = enriched(&writer).await;
    let old = written(&tenant, &from).await;
    assert_eq!(old["state"], "completed", "{old}");
    assert_eq!((writer.prompts().len(), contexts(&writer)), (4, 3));
    let to = round_trip(&place, &tenant, &from).await;
    assert_eq!(written(&tenant, &to).await, old);
    // The word stands in the contexts alone.
    let (one, other) =
        (found(&tenant, &from, CONTEXT_WORD).await, found(&tenant, &to, CONTEXT_WORD).await);
    assert_eq!(one, other);
    let dump = tenant.get(&format!("/v1/collections/{to}/dumps")).await.expect(200);
    let dump = tenant.get(&format!("/v1/dumps/{}", text(&dump["items"][0]["id"]))).await;
    for row in rows(&tenant, &dump.expect(200), "chunks.parquet").await {
        assert!(row["context"].contains(CONTEXT_WORD), "{row:?}");
        assert!(!row["body"].contains(CONTEXT_WORD), "{row:?}");
    }
    switch(&tenant, &to, "on").await;
    place.work().await;
    assert_eq!(writer.prompts().len(), 4, "all of it is there");
    // Nor are the contexts of passages that stand unchanged in the next version.
    let path = format!("/v1/documents/{}/reprocess", only(&tenant, &to).await);
    tenant.send(tenant.request(Method::POST, &path)).await.expect(202);
    place.work().await;
    place.work().await;
    assert_eq!(written(&tenant, &to).await["state"], "completed");
    assert_eq!((writer.prompts().len(), contexts(&writer)), (5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_had_nothing_to_say_about_is_not_asked_for_again() {
    let writer = Arc::new(Writer::default());
    writer.reply_next("It tells of pumps.");
    writer.reply_next("");
    let (place, tenant, from) = enriched(&writer).await;
    assert_eq!((writer.prompts().len(), contexts(&writer)), (4, 3));
    let hits = found(&tenant, &from, CONTEXT_WORD).await;
    let by_word = |hit: &&Value| hit["explanation"]["lexical_rank"].is_number();
    assert_eq!(hits.as_array().unwrap().iter().filter(by_word).count(), 2, "{hits}");
    let to = round_trip(&place, &tenant, &from).await;
    switch(&tenant, &to, "on").await;
    let path = format!("/v1/documents/{}/reprocess", only(&tenant, &to).await);
    tenant.send(tenant.request(Method::POST, &path)).await.expect(202);
    place.work().await;
    place.work().await;
    assert_eq!(written(&tenant, &to).await["state"], "completed");
    // The overview of the next version alone.
    assert_eq!((writer.prompts().len(), contexts(&writer)), (5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_not_enriched_to_its_end_comes_in_with_the_contexts_it_is_found_by() {
    let writer = Arc::new(Writer::default());
    let (place, tenant, from) = enriched(&writer).await;
    switch(&tenant, &from, "off").await;
    place.run("update app.enrichments set state = 'waiting', contexts = 2").await;
    let to = round_trip(&place, &tenant, &from).await;
    assert_eq!(place.count("select count(*) from app.enrichments").await, 1);
    switch(&tenant, &to, "on").await;
    place.work().await;
    place.work().await;
    assert_eq!(written(&tenant, &to).await["state"], "completed");
    // Contexts are there; summary and questions were not of the dump.
    assert_eq!((writer.prompts().len(), contexts(&writer)), (5, 3));
}

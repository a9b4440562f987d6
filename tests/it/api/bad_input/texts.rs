//! Texts that people give: questions, names, descriptions, addresses.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::{Value, json};

use crate::api::{contents, problem};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_has_readable_text_and_a_limit() {
    let settings = [("PIDIMA_MAX_QUESTION_CHARS", "40")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("questions").await;
    let session = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let messages = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let before = contents(&app).await;
    let bad = ["", "   \n\t ", "\u{0}\u{1b}\u{7f}", &"w".repeat(41), &"é".repeat(41)];
    for (path, field) in [("/v1/answers", "question"), (messages.as_str(), "content")] {
        for question in bad {
            let refused = tenant.post(path, &json!({ field: question })).await;
            let refused = problem(&refused, 422, "validation_failed");
            assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"), "{refused}");
        }
    }
    assert_eq!(contents(&app).await, before);
    for question in ["w".repeat(40), "é".repeat(40), "𠀀".repeat(40)] {
        tenant.ask(&question).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_signs_alone_gets_an_answer_that_says_nothing_was_found() {
    let app = TestApp::start().await;
    let tenant = app.tenant("signs").await;
    tenant.learn("pump.md", "# Pump\n\nThe pump runs at 3 bar.").await;
    for question in ["?", "💥", "' or 1=1; --", "<script>", "& | ! ( ) :*", "%_\\", "\u{202e}pmup"]
    {
        let answer = tenant.ask(question).await;
        assert_ne!(answer["outcome"], "failed", "{question}: {answer}");
        let found = tenant.post("/v1/search", &json!({ "query": question })).await;
        assert_eq!(found.status, 200, "{question}: {}", found.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_body_can_bring_the_database_to_refuse_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("nul").await;
    let document = tenant.learn("pump.md", "The pump.").await;
    let document = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let made = tenant.post("/v1/collections", &json!({ "name": "a" })).await.expect(201);
    let collection = format!("/v1/collections/{}", made["id"].as_str().unwrap());
    let nul = "a\u{0}b";
    let source = |field: &str, value: Value| {
        let mut configuration =
            json!({ "kind": "website", "url": "https://docs.example.com/", "discovery": "crawl" });
        configuration[field] = value;
        json!({ "name": nul, "configuration": configuration })
    };
    let folder = format!("/{nul}");
    let replies = [
        tenant.post("/v1/collections", &json!({ "name": "b", "description": nul })).await,
        tenant.patch(&collection, &json!({ "description": nul })).await,
        tenant.patch(&collection, &json!({ "name": nul })).await,
        tenant.post("/v1/sessions", &json!({ "title": nul })).await,
        tenant.post("/v1/api_keys", &json!({ "name": nul, "role": "member" })).await,
        tenant.post("/v1/answers", &json!({ "question": nul })).await,
        tenant.post("/v1/search", &json!({ "query": nul })).await,
        tenant
            .patch(&document, &json!({ "source_url": format!("https://example.com/{nul}") }))
            .await,
        tenant.patch(&document, &json!({ "metadata": { nul: 1 } })).await,
        tenant.post("/v1/sources", &source("url", json!(format!("https://a.example/{nul}")))).await,
        tenant.post("/v1/sources", &source("path_prefix", json!(folder))).await,
        tenant.post("/v1/sources", &source("exclude", json!([folder]))).await,
    ];
    for reply in replies {
        // Control characters are left out, or refused; never an error of ours.
        assert!(reply.status.is_success() || reply.status == 422, "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_speaks_of_the_nul_character_without_holding_it_is_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant("speaks").await;
    let document = tenant.learn("pump.md", "The pump.").await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let metadata = json!({ "escape": "\\u0000" });
    let changed = tenant.patch(&path, &json!({ "metadata": metadata })).await.expect(200);
    assert_eq!(changed["metadata"], metadata);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_url_that_is_no_safe_link_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("links").await;
    let document = tenant.learn("pump.md", "The pump.").await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let before = contents(&app).await;
    for url in
        ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "vbscript:x", "file:///etc/passwd", "", "x"]
    {
        let refused = tenant.patch(&path, &json!({ "source_url": url })).await;
        let refused = problem(&refused, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/source_url", "{refused}");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_a_conflict_and_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("taken").await;
    tenant.post("/v1/collections", &json!({ "name": "a" })).await.expect(201);
    let other = tenant.post("/v1/collections", &json!({ "name": "b" })).await.expect(201);
    let before = contents(&app).await;
    problem(&tenant.post("/v1/collections", &json!({ "name": "a" })).await, 409, "conflict");
    let path = format!("/v1/collections/{}", other["id"].as_str().unwrap());
    problem(&tenant.patch(&path, &json!({ "name": "a" })).await, 409, "conflict");
    assert_eq!(contents(&app).await, before);
}

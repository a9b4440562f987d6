//! Files that can not be read, and files that are hard to read.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::json;

use crate::api::{contents, problem};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_text_is_refused_whatever_its_name_says() {
    let app = TestApp::start().await;
    let tenant = app.tenant("no-text").await;
    let before = contents(&app).await;
    let files: [(&str, &[u8], &str); 5] = [
        ("guide.svgz", b"\x1f\x8b\x08\0\0", "gzip"),
        ("logo.png", b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        ("book.docx", b"PK\x03\x04\x14\0\x06\0", "ZIP"),
        ("archive.txt", b"\x1f\x8b\x08\0\0", "gzip"),
        ("notes.txt", b"text with \0 in it", "NUL"),
    ];
    for (name, bytes, word) in files {
        let refused = problem(&tenant.upload(name, bytes).await, 415, "unsupported_media_type");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(word) && detail.contains("upload PDF"), "{name}: {detail}");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_what_its_name_says_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("other-name").await;
    let before = contents(&app).await;
    let files: [(&str, &[u8], &str); 3] = [
        ("guide.md", b"%PDF-1.7\n1 0 obj", "a PDF document"),
        ("guide.docx", b"%PDF-1.7\n1 0 obj", "a PDF document"),
        ("guide.pdf", b"The pump runs at 3 bar.", "something else"),
    ];
    for (name, bytes, found) in files {
        let refused = problem(&tenant.upload(name, bytes).await, 415, "unsupported_media_type");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("its content is {found}")), "{name}: {detail}");
        assert!(detail.contains("right name"), "{name}: {detail}");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("empty").await;
    let before = contents(&app).await;
    let refused = problem(&tenant.upload("empty.md", "").await, 422, "validation_failed");
    assert!(refused["detail"].as_str().unwrap().contains("empty"), "{refused}");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_readable_text_is_received_and_fails_with_the_reason() {
    let app = TestApp::start().await;
    let tenant = app.tenant("unreadable").await;
    let files: [(&str, &[u8], &str); 5] = [
        ("latin.txt", b"caf\xe9 au lait", "not_utf8"),
        ("page.html", b"<meta charset=iso-8859-1><p>caf\xe9</p>", "not_utf8"),
        ("wide.txt", b"\xff\xfeh\0i\0", "not_utf8"),
        ("blank.md", b" \n\t \n", "empty"),
        ("scripted.html", b"<html><body><script>render()</script></body></html>", "no_text"),
    ];
    for (name, bytes, code) in files {
        let received = tenant.upload(name, bytes).await.expect(202);
        let failed = tenant.settled(received["id"].as_str().unwrap()).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        assert_eq!(failed["failure"]["code"], code, "{failed}");
        assert!(failed["failure"]["detail"].as_str().unwrap().len() > 20, "{failed}");
        assert_eq!(failed["searchable"], false, "{failed}");
    }
    let after = contents(&app).await;
    for table in ["chunks", "passages"] {
        assert!(after.get(table).is_none_or(|(count, _)| *count == 0), "{table}: {after:?}");
    }
    let found = tenant.post("/v1/search", &json!({ "query": "lait" })).await.expect(200);
    assert_eq!(found["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_version_leaves_the_one_before_it_in_search() {
    let app = TestApp::start().await;
    let tenant = app.tenant("failed-version").await;
    tenant.learn("pump.txt", "The pump runs at 3 bar.").await;
    let second =
        tenant.upload("pump.txt", b"The pump runs at 4 b\xe4r.".as_slice()).await.expect(202);
    let failed = tenant.settled(second["id"].as_str().unwrap()).await;
    assert_eq!((&failed["state"], &failed["searchable"]), (&json!("failed"), &json!(true)));
    let found = tenant.post("/v1/search", &json!({ "query": "pump" })).await.expect(200);
    assert!(found["items"][0]["text"].as_str().unwrap().contains("3 bar"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_nested_without_end_fails_by_name_and_the_worker_goes_on() {
    let app = TestApp::start().await;
    let tenant = app.tenant("nested").await;
    let hostile = [
        ("deep.html", "<div>".repeat(100_000) + "The pump.", "nested_too_deep"),
        ("lists.html", "<ul><li>".repeat(50_000) + "The pump.", "nested_too_deep"),
        ("quotes.md", ">".repeat(100_000) + " The pump.", "nested_too_deep"),
    ];
    for (name, text, code) in hostile {
        let received = tenant.upload(name, text).await.expect(202);
        let document = tenant.settled(received["id"].as_str().unwrap()).await;
        assert_eq!(document["failure"]["code"], code, "{name}: {document}");
    }
    tenant.learn("well.md", "The pump runs at 3 bar.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_are_never_closed_are_read_all_the_same() {
    let app = TestApp::start().await;
    let tenant = app.tenant("unclosed").await;
    let page = "<html><body><h1>Pumps<p>The <b>pump <i>runs at 3 bar<table><tr><td>a<a href='x";
    tenant.learn("unclosed.html", page).await;
    let found = tenant.post("/v1/search", &json!({ "query": "pump" })).await.expect(200);
    assert!(found["items"][0]["text"].as_str().unwrap().contains("3 bar"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_line_of_ten_megabytes_ends_in_a_state_with_a_reason() {
    // A limit on passages, so that a debug build need not embed them all.
    let settings = [("PIDIMA_INGESTION_MAX_CHUNKS", "50")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("long-line").await;
    for (name, line) in [
        ("words.txt", "The pump runs at 3 bar. ".repeat(10_000_000 / 24)),
        ("word.txt", "w".repeat(10_000_000)),
        ("words.md", "pump ".repeat(2_000_000)),
    ] {
        let received = tenant.upload(name, line).await.expect(202);
        let document = tenant.settled(received["id"].as_str().unwrap()).await;
        assert_eq!(document["state"], "failed", "{name}: {document}");
        let code = document["failure"]["code"].as_str().unwrap();
        assert!(code.starts_with("too_many") || code == "too_complex", "{name}: {document}");
    }
}

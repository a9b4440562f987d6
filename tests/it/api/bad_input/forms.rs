//! Fields beside the file of an upload.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant};

async fn send(tenant: &TestTenant, form: Form) -> Reply {
    tenant.send(tenant.request(Method::POST, "/v1/documents").multipart(form)).await
}

fn file() -> Form {
    Form::new().part("file", Part::bytes(b"The pump.".to_vec()).file_name("pump.md"))
}

#[track_caller]
fn points_at(reply: &Reply, pointer: &str) -> Value {
    let refused = problem(reply, 422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_that_is_not_acceptable_is_named_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant("fields").await;
    let before = contents(&app).await;
    let deep = "{\"a\":".repeat(5_000);
    let fields = [
        ("collection_id", "no-id".to_owned()),
        ("name", "n".repeat(5_000)),
        ("name", " \u{0} ".to_owned()),
        ("source_url", "javascript:alert(1)".to_owned()),
        ("source_url", "data:text/html,<script>".to_owned()),
        ("source_url", "/relative".to_owned()),
        ("source_url", format!("https://example.com/{}", "a".repeat(3_000))),
        ("source_url", "https://example.com/\u{0}".to_owned()),
        ("metadata", "no json".to_owned()),
        ("metadata", "[1, 2]".to_owned()),
        ("metadata", "\"text\"".to_owned()),
        ("metadata", "{\"a\": \"\\u0000\"}".to_owned()),
        ("metadata", "{\"a\\u0000\": 1}".to_owned()),
        ("metadata", "{\"a\": 1, \"a\": 2}".to_owned()),
        ("metadata", "{\"a\": \"\\ud800\"}".to_owned()),
        ("metadata", deep),
        ("metadata", json!({ "a": "b".repeat(20_000) }).to_string()),
        ("colection_id", Uuid::now_v7().to_string()),
    ];
    for (field, value) in fields {
        println!("{field}: {:.60}", value);
        points_at(&send(&tenant, file().text(field, value)).await, &format!("/{field}"));
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_file_or_with_two_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("no-file").await;
    let before = contents(&app).await;
    points_at(&send(&tenant, Form::new().text("name", "pump.md")).await, "/file");
    let twice = file().part("file", Part::bytes(b"Another.".to_vec()).file_name("b.md"));
    points_at(&send(&tenant, twice).await, "/file");
    let nameless = Form::new().part("file", Part::bytes(b"The pump.".to_vec()));
    points_at(&send(&tenant, nameless).await, "/name");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_no_form_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("no-form").await;
    let before = contents(&app).await;
    let json = tenant.post("/v1/documents", &json!({ "name": "pump.md" })).await;
    problem(&json, 415, "unsupported_media_type");
    let bare = tenant.request(Method::POST, "/v1/documents").body("The pump.");
    problem(&tenant.send(bare).await, 415, "unsupported_media_type");
    for (content_type, body) in
        [("multipart/form-data", "--x\r\n"), ("multipart/form-data; boundary=x", "The pump.")]
    {
        let request = tenant.request(Method::POST, "/v1/documents").body(body);
        let reply = tenant.send(request.header("content-type", content_type)).await;
        let refused = problem(&reply, 400, "malformed_request");
        assert!(refused["detail"].as_str().unwrap().contains("multipart/form-data"), "{refused}");
    }
    let cut = "--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nThe";
    let request = tenant.request(Method::POST, "/v1/documents").body(cut);
    let request = request.header("content-type", "multipart/form-data; boundary=x");
    points_at(&tenant.send(request).await, "/file");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_collection_is_not_found_and_leaves_no_document() {
    let app = TestApp::start().await;
    let tenant = app.tenant("unknown-collection").await;
    let before = contents(&app).await;
    for id in [Uuid::now_v7(), Uuid::nil(), Uuid::max()] {
        let form = file().text("collection_id", id.to_string());
        problem(&send(&tenant, form).await, 404, "not_found");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strange_name_is_kept_as_text_without_its_control_characters() {
    let app = TestApp::start().await;
    let tenant = app.tenant("names").await;
    let names = [
        ("a\r\nset-cookie: x=1.md", "a\nset-cookie: x=1.md"),
        ("quo\"te's.md", "quo\"te's.md"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("right\u{202e}dm.exe", "right\u{202e}dm.exe"),
        ("nul\u{0}byte.md", "nulbyte.md"),
        ("<script>alert(1)</script>.md", "<script>alert(1)</script>.md"),
        ("' or 1=1; --.md", "' or 1=1; --.md"),
    ];
    for (sent, kept) in names {
        let reply = send(&tenant, file().text("name", sent)).await;
        assert!(reply.headers.get("set-cookie").is_none());
        let document = reply.expect(202);
        assert_eq!(document["name"], kept);
        let ready = tenant.settled(document["id"].as_str().unwrap()).await;
        assert_eq!((&ready["state"], &ready["name"]), (&json!("ready"), &json!(kept)), "{ready}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_name_is_stored_in_any_script() {
    let app = TestApp::start().await;
    let tenant = app.tenant("long-name").await;
    // Characters of four bytes that do not repeat, so that nothing makes them shorter.
    let wide = |count: u32| -> String {
        (0..count).map(|n| char::from_u32(0x20000 + n * 37).unwrap()).collect()
    };
    for name in ["n".repeat(1_000), wide(600)] {
        let document = send(&tenant, file().text("name", name.clone())).await.expect(202);
        assert_eq!(document["name"], name);
        let again = send(&tenant, file().text("name", name)).await.expect(200);
        assert_eq!(again["id"], document["id"]);
    }
    for name in ["n".repeat(1_001), wide(601), wide(1_000)] {
        points_at(&send(&tenant, file().text("name", name)).await, "/name");
    }
}

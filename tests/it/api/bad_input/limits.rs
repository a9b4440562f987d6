//! Sizes of bodies: exactly at the limit, one byte above, with and without a length.

use std::path::Path;

use pidima::adapters::models::ExtractiveModel;
use reqwest::{Body, Method};
use serde_json::json;

use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant};

const LIMIT: usize = 20_000;

/// The bytes of a form with one file, of exactly this size altogether.
fn form_of(size: usize) -> Vec<u8> {
    let head =
        "--line\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    // The form ends with its last byte: what comes after the end of a form is not read.
    let tail = "\r\n--line--";
    let text = "The pump runs at 3 bar. ".repeat(size / 24 + 1);
    let form = format!("{head}{}{tail}", &text[..size - head.len() - tail.len()]);
    assert_eq!(form.len(), size);
    form.into_bytes()
}

async fn send(tenant: &TestTenant, body: Body) -> Reply {
    let request = tenant.request(Method::POST, "/v1/documents").body(body);
    tenant.send(request.header("content-type", "multipart/form-data; boundary=line")).await
}

/// A body that comes in pieces and does not tell its length.
fn chunked(bytes: Vec<u8>) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(4_000).map(|piece| Ok(piece.to_vec())).collect();
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { 1 }
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_may_reach_the_limit_and_not_pass_it_whether_or_not_it_tells_its_length() {
    let folder = std::env::temp_dir().join(format!("pidima-limits-{}", uuid::Uuid::new_v4()));
    let limit = LIMIT.to_string();
    let settings = [
        ("PIDIMA_MAX_UPLOAD_BYTES", limit.as_str()),
        ("PIDIMA_OBJECTS_DIR", folder.to_str().unwrap()),
    ];
    let app = TestApp::start_with(&settings, std::sync::Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("limits").await;
    let before = contents(&app).await;
    for body in
        [Body::from(form_of(LIMIT + 1)), chunked(form_of(LIMIT + 1)), chunked(form_of(LIMIT * 5))]
    {
        let refused = problem(&send(&tenant, body).await, 413, "payload_too_large");
        assert!(refused["detail"].as_str().unwrap().contains(&limit), "{refused}");
    }
    assert_eq!(contents(&app).await, before);
    assert_eq!(files_below(&folder), 0);

    let first = send(&tenant, form_of(LIMIT - 1).into()).await.expect(202);
    assert_eq!(tenant.settled(first["id"].as_str().unwrap()).await["state"], "ready");
    let second = send(&tenant, form_of(LIMIT).into()).await.expect(202);
    assert_eq!((&second["id"], &second["version_number"]), (&first["id"], &json!(2)));
    send(&tenant, chunked(form_of(LIMIT))).await.expect(200);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_body_has_a_limit_of_its_own() {
    let app = TestApp::start().await;
    let tenant = app.tenant("other-limit").await;
    let before = contents(&app).await;
    let long = json!({ "question": "w".repeat(300_000) }).to_string();
    for path in ["/v1/answers", "/v1/search", "/v1/collections"] {
        for body in [Body::from(long.clone()), chunked(long.clone().into_bytes())] {
            let request = tenant.request(Method::POST, path).body(body);
            let request = request.header("content-type", "application/json");
            problem(&tenant.send(request).await, 413, "payload_too_large");
        }
    }
    assert_eq!(contents(&app).await, before);
}

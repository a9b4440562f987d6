//! Every operation that creates takes a key, says so in the document, and does nothing twice under it.

use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{KEY, is_replayed, new_key};
use crate::api::operations::{Operation, operation, operator_operations};
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::TestApp;

/// Operations that make something: each takes `Idempotency-Key`. `true`: the answer shows a secret, once.
const CREATING: &[(&str, bool)] = &[
    ("create_answer", false),
    ("complete_upload", false),
    ("create_api_key", true),
    ("create_assistant", false),
    ("create_attachment", false),
    ("create_collection", false),
    ("create_document", false),
    ("create_dump", false),
    ("create_group", false),
    ("create_invitation", true),
    ("create_message", false),
    ("create_password_reset", true),
    ("create_platform_tenant", true),
    ("create_quota", false),
    ("create_reembedding", false),
    ("create_session", false),
    ("create_source", false),
    ("create_upload", false),
    ("create_webhook", true),
    ("redeliver_webhook_delivery", false),
    ("reprocess_document", false),
    ("restore_dump", false),
    ("rotate_api_key", true),
    ("rotate_webhook_secret", true),
    ("sync_source", false),
    ("test_webhook", false),
];

/// The others, each with the reason why it takes none. Whoever adds an operation puts it into one of the two lists.
const NOT_CREATING: &[(&str, &str)] = &[
    ("cancel_ingestion_job", "ends what goes on; the second time there is nothing to end"),
    ("cancel_reembedding", "ends what goes on; the second time there is nothing to end"),
    ("cancel_run", "ends what goes on; the second time there is nothing to end"),
    ("cancel_source_run", "ends what goes on; the second time there is nothing to end"),
    ("create_acceptance", "nobody is known yet, and an invitation is accepted once whoever asks"),
    ("create_login", "nobody is known yet, and a login ends the one before it in the browser"),
    ("create_logout", "ends what is there; the second time there is nothing to end"),
    ("create_widget_token", "signs and stores nothing: a second token is as good as the first"),
    ("publish_assistant", "a draft that is published already makes no other version"),
    ("redrive_dead_letter", "what is given back is no dead letter any more"),
    ("retry_ingestion_job", "a job that waits already is left as it is"),
    ("rollback_reembedding", "says which vectors are read; the second time they are already"),
    ("switch_reembedding", "says which vectors are read; the second time they are already"),
    ("rollback_assistant", "says which version answers; the second time it does already"),
    ("search_passages", "reads"),
];

fn document() -> Value {
    serde_json::from_str(&pidima::app::openapi_text().unwrap()).unwrap()
}

#[tokio::test]
async fn every_posting_operation_takes_a_key_or_says_why_not() {
    let document = document();
    let mut posting = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("post") else { continue };
        let id = operation["operationId"].as_str().unwrap();
        posting.insert(id);
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let takes: Vec<&Value> = parameters.filter(|parameter| parameter["name"] == KEY).collect();
        let creates = CREATING.iter().any(|(creating, _)| *creating == id);
        let excused = NOT_CREATING.iter().any(|(other, _)| *other == id);
        assert!(creates != excused, "{id}: put it into exactly one of the two lists");
        assert_eq!(takes.len(), usize::from(creates), "POST {path}: {KEY}");
        if !creates {
            continue;
        }
        assert_eq!(takes[0]["in"], "header");
        assert_eq!(takes[0]["required"], false);
        assert_eq!(takes[0]["schema"]["maxLength"], 255);
        for (status, code) in [("409", "idempotency_key_in_use"), ("422", "idempotency_key_reused")]
        {
            let said = operation["responses"][status]["description"].as_str().unwrap_or_default();
            assert!(said.contains(code), "{id} {status}: {said}");
        }
        let made =
            ["200", "201", "202"].iter().find_map(|status| operation["responses"].get(status));
        assert!(made.unwrap()["headers"].get("Idempotency-Replayed").is_some(), "{id}");
    }
    let listed = CREATING.iter().map(|(id, _)| *id).chain(NOT_CREATING.iter().map(|(id, _)| *id));
    assert_eq!(posting, listed.collect(), "the lists name what there is and nothing else");
    assert!(NOT_CREATING.iter().all(|(_, reason)| reason.len() > 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_again_is_answered_as_before_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("again").await;
    let operator = owner.with_key(&app.operator_key().await);
    let things = Things::make(&owner, &owner).await;
    for (id, is_secret) in CREATING {
        let found = operator_operations().into_iter().find(|operation| operation.id == *id);
        let sender = if found.is_some() { &operator } else { &owner };
        let operation = found.unwrap_or_else(|| operation(id));
        let key = new_key();
        // One request, sent twice: some bodies hold a new name each time.
        let request = || {
            let path = operation.path_of(&things);
            sender.request(reqwest::Method::POST, &path).header(KEY, &key)
        };
        let (first, second) = both(&operation, &things, request);
        let first = sender.send(first).await;
        assert!(first.status.is_success(), "{id}: {}", first.text());
        assert!(!is_replayed(&first), "{id}");
        let before = contents(&app).await;
        let second = sender.send(second).await;
        if *is_secret {
            problem(&second, 409, "already_done");
            let place = second.headers["location"].to_str().unwrap();
            sender.get(place).await.expect(200);
        } else {
            assert_eq!(second.status, first.status, "{id}");
            assert_eq!(second.text(), first.text(), "{id}");
            for name in ["content-type", "etag"] {
                assert_eq!(second.headers.get(name), first.headers.get(name), "{id}: {name}");
            }
            assert!(is_replayed(&second), "{id}");
        }
        assert_eq!(before, contents(&app).await, "{id}: something was done twice");
    }
}

/// The same request, twice.
fn both(
    operation: &Operation,
    things: &Things,
    request: impl Fn() -> RequestBuilder,
) -> (RequestBuilder, RequestBuilder) {
    if operation.id == "create_document" {
        // A form is a stream, which can not be copied: another one with the same parts has another boundary.
        return (upload(request(), things), upload(request(), things));
    }
    if operation.id == "create_attachment" {
        return (attachment(request()), attachment(request()));
    }
    let one = operation.fill(request(), things);
    (one.try_clone().unwrap(), one)
}

fn upload(request: RequestBuilder, things: &Things) -> RequestBuilder {
    let file = Part::bytes(b"The valve opens at 5 bar.".to_vec()).file_name("valve.md");
    let form = Form::new().part("file", file).text("collection_id", things.collection_id.clone());
    request.multipart(form)
}

fn attachment(request: RequestBuilder) -> RequestBuilder {
    let file = Part::bytes(b"The valve opens at 5 bar.".to_vec()).file_name("another valve.md");
    request.multipart(Form::new().part("file", file))
}

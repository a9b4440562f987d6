//! An id of another tenant and an id of nobody get the same bytes, wherever an id can stand.

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::api::operations::{Operation, operation, operations};
use crate::api::things::{Things, source};
use crate::api::{contents, documented_operations, openapi};
use crate::support::{Reply, TestApp, TestTenant};

/// A place other than the path where an id can stand: operation, name, request.
type Place = (&'static str, &'static str, fn(RequestBuilder, &Things) -> RequestBuilder);

const PLACES: &[Place] = &[
    ("list_browser_sessions", "member_id", |request, things| {
        request.query(&[("member_id", &things.member_id)])
    }),
    ("list_documents", "collection_id", |request, things| {
        request.query(&[("collection_id", &things.collection_id)])
    }),
    ("list_ingestion_jobs", "collection_id", |request, things| {
        request.query(&[("collection_id", &things.collection_id)])
    }),
    ("list_ingestion_jobs", "document_id", |request, things| {
        request.query(&[("document_id", &things.document_id)])
    }),
    ("list_audit_events", "actor_id", |request, things| {
        request.query(&[("actor_id", &things.api_key_id)])
    }),
    ("list_audit_events", "target_id", |request, things| {
        request.query(&[("target_id", &things.document_id)])
    }),
    ("create_document", "collection_id", |request, things| {
        let file = Part::bytes(b"The pump.".to_vec()).file_name("pump.md");
        let form = Form::new().part("file", file);
        request.multipart(form.text("collection_id", things.collection_id.clone()))
    }),
    ("create_upload", "collection_id", |request, things| {
        let id = &things.collection_id;
        request.json(&json!({ "name": "pump.md", "size_bytes": 9, "collection_id": id }))
    }),
    ("list_sources", "collection_id", |request, things| {
        request.query(&[("collection_id", &things.collection_id)])
    }),
    ("create_source", "collection_id", |request, things| {
        request.json(&source(&things.collection_id))
    }),
    ("search_passages", "collection_ids", |request, things| {
        request.json(&json!({ "query": "pump", "collection_ids": [things.collection_id] }))
    }),
    ("create_answer", "collection_ids", |request, things| {
        request.json(&json!({ "question": "pump", "collection_ids": [things.collection_id] }))
    }),
    ("create_answer", "assistant_id", |request, things| {
        request.json(&json!({ "question": "pump", "assistant_id": things.assistant_id }))
    }),
    ("create_session", "assistant_id", |request, things| {
        request.json(&json!({ "assistant_id": things.assistant_id }))
    }),
    ("create_session", "collection_ids", |request, things| {
        request.json(&json!({ "collection_ids": [things.collection_id] }))
    }),
    ("create_invitation", "group_ids", |request, things| {
        let body = json!({ "email": "a@b.de", "role": "member", "group_ids": [things.group_id] });
        request.json(&body)
    }),
    ("create_collection", "group_ids", |request, things| {
        request.json(&json!({ "name": "limited", "group_ids": [things.group_id] }))
    }),
    ("update_collection", "group_ids", |request, things| {
        request.json(&json!({ "group_ids": [things.group_id] }))
    }),
    ("create_api_key", "collection_ids", |request, things| {
        let collections = [&things.collection_id];
        request.json(&json!({ "name": "x", "role": "member", "collection_ids": collections }))
    }),
    ("update_api_key", "collection_ids", |request, things| {
        request.json(&json!({ "collection_ids": [things.collection_id] }))
    }),
    ("create_quota", "subject_id", |request, things| {
        let key = &things.api_key_id;
        request.json(&json!({ "subject": "key", "subject_id": key, "measure": "questions", "period": "day", "hard_limit": 1 }))
    }),
    ("get_usage", "subject_id", |request, things| {
        request.query(&[("subject", "key"), ("subject_id", things.api_key_id.as_str())])
    }),
    ("create_widget_token", "api_key_id", |request, things| {
        let key = &things.publishable_key_id;
        request.json(&json!({ "api_key_id": key, "end_user": { "id": "ada" } }))
    }),
];

/// Status, headers and body without what differs from request to request.
fn seen(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        // What is left of a limit goes down with each request.
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "ratelimit"))
        .filter(|(name, _)| name.as_str() != "ratelimit-policy")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let id = reply.headers["x-request-id"].to_str().unwrap();
    (reply.status.as_u16(), headers, reply.text().replace(id, "<request>"))
}

async fn call(app: &TestApp, operation: Operation, things: &Things, by: &TestTenant) -> Reply {
    by.send(operation.request(app, things).bearer_auth(&by.key)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_path_that_is_anothers_is_like_one_that_is_nobodys() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("path-own").await, app.tenant("path-other").await);
    let foreign = Things::make(&other, &other).await;
    let before = contents(&app).await;
    for operation in operations().into_iter().filter(|it| it.path.contains('{')) {
        let of_another = seen(&call(&app, operation, &foreign, &own).await);
        let of_nobody = seen(&call(&app, operation, &Things::absent(), &own).await);
        assert_eq!(of_another, of_nobody, "{}", operation.id);
        assert_eq!(of_nobody.0, 404, "{}", operation.id);
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_query_or_body_that_is_anothers_is_like_one_that_is_nobodys() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("body-own").await, app.tenant("body-other").await);
    let mine = Things::make(&own, &own).await;
    let foreign = Things::make(&other, &other).await;
    let before = contents(&app).await;
    for &(id, _, fill) in PLACES {
        let operation = operation(id);
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let request = |things: &Things| {
            let url = format!("{}{}", app.url, operation.path_of(&mine));
            let request = Client::new().request(method.clone(), url);
            fill(request.bearer_auth(&own.key), things)
        };
        let of_another = seen(&own.send(request(&foreign)).await);
        let of_nobody = seen(&own.send(request(&Things::absent())).await);
        assert_eq!(of_another, of_nobody, "{id}");
        if id.starts_with("list_") {
            assert_eq!((of_nobody.0, of_nobody.2.as_str()), (200, r#"{"items":[]}"#), "{id}");
        } else {
            assert_eq!(of_nobody.0, 404, "{id}: {}", of_nobody.2);
        }
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test]
async fn each_place_of_an_id_in_the_document_is_one_that_these_tests_fill() {
    let document = openapi();
    let mut documented = Vec::new();
    for (_, _, operation) in documented_operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] != "path") {
            documented.push((id.to_owned(), parameter["name"].as_str().unwrap().to_owned()));
        }
        for content in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let schema = resolved(&document, &content.1["schema"]);
            // A body of bytes has none.
            let properties = schema["properties"].as_object().into_iter().flatten();
            documented.extend(properties.map(|(name, _)| (id.to_owned(), name.clone())));
        }
    }
    documented.retain(|(_, name)| name.ends_with("_id") || name.ends_with("_ids"));
    // An export notes itself: `audit::reading` gives it the ids of another tenant.
    documented.retain(|(id, _)| id != "export_audit_events");
    documented.sort();
    let mut filled: Vec<(String, String)> =
        PLACES.iter().map(|(id, name, _)| ((*id).to_owned(), (*name).to_owned())).collect();
    filled.sort();
    assert_eq!(documented, filled);
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

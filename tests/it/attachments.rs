//! Files of a conversation: read like documents, found in its answers and nowhere else, gone with it.

mod answers;
mod leaving;
mod limits;
mod people;
mod unread;
mod wall;

use pidima::app::Outside;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{ProbedEmbedder, Reply, TestApp, TestTenant};

/// What the tests attach: words that stand nowhere else.
pub const VALVE: &str = "# Valves\n\nThe quibblefax valve opens at 5 bar.\n";
pub const QUESTION: &str = "At how many bar does the quibblefax valve open?";

/// An application without a worker, which answers from passages alone: the test runs the jobs.
pub async fn idle(settings: &[(&str, &str)]) -> TestApp {
    let outside = Outside {
        embedder: ProbedEmbedder::new().await as std::sync::Arc<_>,
        models: std::sync::Arc::new(pidima::adapters::models::ExtractiveModel).into(),
    };
    TestApp::start_idle(settings, outside).await
}

pub fn path(session: &str) -> String {
    format!("/v1/sessions/{session}/attachments")
}

pub async fn open(tenant: &TestTenant, body: &Value) -> String {
    let session = tenant.post("/v1/sessions", body).await.expect(201);
    session["id"].as_str().unwrap().to_owned()
}

/// Sends a file to a session.
pub async fn send(tenant: &TestTenant, session: &str, name: &str, bytes: &[u8]) -> Reply {
    let file = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
    let request = tenant.request(Method::POST, &path(session));
    tenant.send(request.multipart(Form::new().part("file", file))).await
}

/// Attaches a text and waits until it is read; the attachment.
pub async fn attach(tenant: &TestTenant, session: &str, name: &str, text: &str) -> Value {
    let file = Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
    let request = tenant.request(Method::POST, &format!("{}?wait=ready", path(session)));
    let reply = tenant.send(request.multipart(Form::new().part("file", file))).await;
    let attachment = reply.expect(200);
    assert_eq!(attachment["state"], "ready", "{attachment}");
    attachment
}

pub async fn ask(tenant: &TestTenant, session: &str, question: &str) -> Value {
    let path = format!("/v1/sessions/{session}/messages");
    tenant.post(&path, &json!({ "content": question })).await.expect(200)
}

pub async fn items(tenant: &TestTenant, path: &str) -> Vec<Value> {
    tenant.get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// Whether an answer cites a document.
pub fn cites(answer: &Value, document: &Value) -> bool {
    let citations = answer["citations"].as_array().unwrap();
    citations.iter().any(|citation| citation["document_id"] == document["id"])
}

pub async fn count(app: &TestApp, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&app.database.admin()).await.unwrap()
}

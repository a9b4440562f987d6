//! Chat through HTTP: the stream, the JSON answer and the history are one answer, whatever the model does and whatever
//! becomes of the client.

mod citations;
mod durable;
mod exfiltration;
mod failures;
mod fault_shapes;
mod feedback;
mod hot_context;
mod model_prices;
mod same_answer;
mod sessions;
mod stand_in_model;
mod traces;

use std::sync::Arc;

use pidima::app::Outside;
use serde_json::{Value, json};

use crate::support::{ScriptedModel, StreamEvent, TestApp, TestTenant, eventually, minilm};

/// What the tenants of these tests know.
const GUIDE: &str = "# Keys\n\nKeys live for 90 days. A key is refused after that. Größe: höchstens 5 MB — «genau».\n\n\
## Limits\n\nThe limit is 20 requests a second. Above it the server answers with status 429.\n\n\
## Exports\n\nAn export is a file in the format Parquet. It is kept for seven days 🗂️ and then removed.\n";

/// The application with a model that follows scripts.
async fn scripted() -> (TestApp, Arc<ScriptedModel>) {
    scripted_with(&[]).await
}

/// The same with settings.
async fn scripted_with(settings: &[(&str, &str)]) -> (TestApp, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    (TestApp::start_outside(settings, outside).await, model)
}

/// Every run has ended or ends soon.
async fn no_run_is_left(app: &TestApp) {
    let admin = app.database.admin();
    eventually("no run is running", || async {
        let running: i64 =
            sqlx::query_scalar("select count(*) from app.runs where state = 'running'")
                .fetch_one(&admin)
                .await
                .unwrap();
        running == 0
    })
    .await;
}

/// Events counted from 1 without gaps, of which the last one, and no other, ends the stream.
fn check_numbers(events: &[StreamEvent]) {
    let ids: Vec<usize> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=events.len()).collect::<Vec<_>>());
    assert_eq!(events[0].name, "started");
    for (place, event) in events.iter().enumerate() {
        let is_end = matches!(event.name.as_str(), "done" | "error");
        assert_eq!(is_end, place + 1 == events.len(), "{events:?}");
    }
}

/// The texts of a stream since its last reset, joined.
fn joined(events: &[StreamEvent]) -> String {
    let reset = events.iter().rposition(|event| event.name == "reset").unwrap_or_default();
    let deltas = events[reset..].iter().filter(|event| event.name == "delta");
    deltas.map(|event| event.data["text"].as_str().unwrap()).collect()
}

/// What a reader sees of an answer: the same in stream, JSON and history.
fn seen(answer: &Value) -> Value {
    json!({
        "content": answer["content"],
        "citations": answer["citations"],
        "outcome": answer["outcome"],
        "outcome_reason": answer["outcome_reason"],
        "usage": answer["usage"],
        "created_at": answer["created_at"],
    })
}

async fn open_session(tenant: &TestTenant, body: &Value) -> String {
    let session = tenant.post("/v1/sessions", body).await.expect(201);
    session["id"].as_str().unwrap().to_owned()
}

async fn history(tenant: &TestTenant, session: &str) -> Vec<Value> {
    let path = format!("/v1/sessions/{session}/messages?limit=100");
    tenant.get(&path).await.expect(200)["items"].as_array().unwrap().clone()
}

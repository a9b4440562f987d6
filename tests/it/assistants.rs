//! Assistants through HTTP: drafts, versions, what of them reaches a model, and who may do what.

mod answering;
mod bounds;
mod reach;
mod summaries;
mod versions;

use std::sync::Arc;

use pidima::adapters::models::FinishReason;
use pidima::app::Outside;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Script, ScriptedModel, TestApp, TestTenant, minilm};

const GUIDE: &str = "# Keys\n\nKeys live for 90 days.\n";
const QUESTION: &str = "How long do keys live?";

/// The application with a model that follows scripts, a tenant that knows of keys, and an answer to [`QUESTION`].
async fn start() -> (TestApp, Arc<ScriptedModel>, TestTenant) {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on(QUESTION, Script::answer(&["Keys live for 90 days. [1]"], FinishReason::Stop));
    (app, model, tenant)
}

async fn create(tenant: &TestTenant, name: &str, draft: Value) -> String {
    let body = json!({ "name": name, "draft": draft });
    let made = tenant.post("/v1/assistants", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn act(tenant: &TestTenant, id: &str, action: &str, body: Option<Value>) -> Reply {
    let request = tenant.request(Method::POST, &format!("/v1/assistants/{id}/{action}"));
    tenant.send(body.into_iter().fold(request, |request, body| request.json(&body))).await
}

async fn publish(tenant: &TestTenant, id: &str) -> Value {
    act(tenant, id, "publish", None).await.expect(200)
}

async fn change(tenant: &TestTenant, id: &str, draft: Value) -> Value {
    let path = format!("/v1/assistants/{id}");
    tenant.patch(&path, &json!({ "draft": draft })).await.expect(200)
}

async fn default_id(tenant: &TestTenant) -> String {
    let listed = tenant.get("/v1/assistants").await.expect(200);
    let first = &listed["items"][0];
    assert_eq!(first["is_default"], true, "{listed}");
    first["id"].as_str().unwrap().to_owned()
}

async fn ask(tenant: &TestTenant, more: Value) -> Reply {
    let mut body = json!({ "question": QUESTION });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    tenant.post("/v1/answers", &body).await
}

/// Assistant, version and digest of each run, oldest first.
async fn runs(app: &TestApp) -> Vec<(String, Option<i32>, String)> {
    sqlx::query_as(
        "select assistant_id::text, assistant_version, configuration_sha256
        from analytics.answers order by run_id",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap()
}

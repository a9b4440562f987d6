//! Tenants in the operator's hands: made, named, suspended, activated, and told of in their own log.

use std::sync::Arc;
use std::time::Instant;

use pidima::adapters::models::{FinishReason, ModelEvent};
use pidima::app::Outside;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::TestOperator;
use crate::api::{contents, problem};
use crate::support::{Script, ScriptedModel, TestApp, eventually, minilm};

const TENANTS: &str = "/v1/platform/tenants";

async fn log_of(app: &TestApp, tenant: &str) -> Vec<(String, String)> {
    let query =
        "select action, actor_kind from app.audit_events where tenant_id = $1 order by sequence";
    let tenant: Uuid = tenant.parse().unwrap();
    sqlx::query_as(query).bind(tenant).fetch_all(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tenant_begins_with_the_key_of_its_owner() {
    let app = TestApp::start().await;
    let any = app.tenant("first").await;
    let operator = TestOperator::of(&app, &any).await;
    let body = json!({ "slug": "northwind", "name": "Northwind Ltd" });
    let created = operator.post(TENANTS, &body).await.expect(201);
    let tenant = &created["tenant"];
    assert_eq!(tenant["slug"], "northwind");
    assert_eq!((&tenant["name"], &tenant["state"]), (&json!("Northwind Ltd"), &json!("active")));
    let me = any.with_key(created["first_key"].as_str().unwrap()).get("/v1/me").await.expect(200);
    assert_eq!((&me["tenant_id"], &me["role"]), (&tenant["id"], &json!("owner")));
    let id = tenant["id"].as_str().unwrap();
    let log = log_of(&app, id).await;
    assert_eq!(log[0], ("tenant.created".to_owned(), "operator".to_owned()));
    assert_eq!(operator.get(&format!("{TENANTS}/{id}")).await.expect(200), *tenant);

    let before = contents(&app).await;
    problem(&operator.post(TENANTS, &body).await, 409, "conflict");
    for slug in ["", "-x", "Nord", "a b", &"x".repeat(51)] {
        let body = json!({ "slug": slug, "name": "x" });
        problem(&operator.post(TENANTS, &body).await, 422, "validation_failed");
    }
    let absent = format!("{TENANTS}/{}", Uuid::now_v7());
    problem(&operator.get(&absent).await, 404, "not_found");
    problem(&operator.patch(&absent, &json!({ "name": "x" })).await, 404, "not_found");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_holds_each_tenant_once_and_no_text_of_any() {
    let app = TestApp::start().await;
    let mut tenants = Vec::new();
    for number in 0..5 {
        let tenant = app.tenant(&format!("listed-{number}")).await;
        tenant.post("/v1/collections", &json!({ "name": "canary-text" })).await.expect(201);
        tenants.push(tenant);
    }
    let operator = TestOperator::of(&app, &tenants[0]).await;
    let mut seen = Vec::new();
    let mut path = format!("{TENANTS}?limit=2");
    loop {
        let page = operator.get(&path).await;
        assert!(!page.text().contains("canary-text"), "{}", page.text());
        let page = page.expect(200);
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item: &Value| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{TENANTS}?limit=2&cursor={cursor}");
    }
    let mut all: Vec<String> = tenants.iter().map(|tenant| tenant.id.to_string()).collect();
    all.reverse();
    assert_eq!(seen, all);
    let foreign = operator.get(&format!("{TENANTS}?cursor=AAAA")).await;
    problem(&foreign, 400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tenant_is_kept_out_within_five_seconds_and_let_in_again() {
    let app = TestApp::start().await;
    let (owner, other) = (app.tenant("suspended").await, app.tenant("unharmed").await);
    let operator = TestOperator::of(&app, &owner).await;
    let unseen = owner.with_role("member").await;
    let origin = "https://www.example.com";
    let widget = json!({ "name": "w", "role": "member", "kind": "publishable", "allowed_origins": [origin] });
    let widget = owner.post("/v1/api_keys", &widget).await.expect(201);
    let signing = json!({ "api_key_id": widget["api_key"]["id"], "end_user": { "id": "ada" } });
    let token = owner.post("/v1/widget_tokens", &signing).await.expect(201);
    owner.get("/v1/me").await.expect(200);
    let path = format!("{TENANTS}/{}", owner.id);
    let changed = operator.patch(&path, &json!({ "state": "suspended" })).await.expect(200);
    assert_eq!(changed["state"], "suspended");
    let since = Instant::now();
    // What no instance remembers is kept out at once.
    problem(&unseen.get("/v1/me").await, 403, "forbidden");
    for credential in [&widget["secret"], &token["token"]] {
        let page = owner.with_key(credential.as_str().unwrap());
        let request = page.request(Method::GET, "/v1/me").header("origin", origin);
        problem(&page.send(request).await, 403, "forbidden");
    }
    eventually("the owner is kept out", || async { owner.get("/v1/me").await.status == 403 }).await;
    assert!(since.elapsed().as_secs() < 7, "{:?}", since.elapsed());
    other.get("/v1/me").await.expect(200);

    operator.patch(&path, &json!({ "state": "suspended" })).await.expect(200);
    operator.patch(&path, &json!({ "state": "active", "name": "Renamed" })).await.expect(200);
    owner.get("/v1/me").await.expect(200);
    let log = log_of(&app, &owner.id.to_string()).await;
    let by_operator: Vec<&str> = log
        .iter()
        .filter(|(_, kind)| kind == "operator")
        .map(|(action, _)| action.as_str())
        .collect();
    assert_eq!(by_operator, ["tenant.suspended", "tenant.activated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_before_a_suspension_is_finished() {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let app = TestApp::start_idle(&[], outside).await;
    let owner = app.tenant("in-flight").await;
    let operator = TestOperator::of(&app, &owner).await;
    // No worker yet: the document waits.
    let document = owner.upload("pump.md", "# Pump\n\nThe pump runs at 3 bar.").await;
    let document = document.expect(202)["id"].as_str().unwrap().to_owned();
    let delta = ModelEvent::Delta("Keys live".to_owned());
    let rest = vec![ModelEvent::Finished(FinishReason::Stop)];
    model.on("How long?", Script::Pause(vec![delta], rest));
    let mut reader = owner.follow("/v1/answers", &json!({ "question": "How long?" })).await;
    let first = reader.next().await.unwrap();
    assert_eq!(first.name, "started");
    let path = format!("{TENANTS}/{}", owner.id);
    operator.patch(&path, &json!({ "state": "suspended" })).await.expect(200);
    eventually("the owner is kept out", || async { owner.get("/v1/me").await.status == 403 }).await;
    model.release();
    let events = reader.rest().await;
    assert_eq!(events.last().unwrap().name, "done", "{events:?}");
    app.start_worker();
    eventually("the document is ready", || async {
        let query = "select state from app.document_versions where document_id = $1";
        let id: Uuid = document.parse().unwrap();
        let state: String =
            sqlx::query_scalar(query).bind(id).fetch_one(&app.database.admin()).await.unwrap();
        state == "ready"
    })
    .await;
}

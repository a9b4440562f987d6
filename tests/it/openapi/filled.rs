//! A tenant that has something of each noun, so that what the document says can be tried.

use pidima::identity::Role;
use serde_json::{Value, json};

use super::{PASSWORD, PLATFORM, PUBLISHABLE_KEY, text_of};
use crate::api::operations::PERSONAL;
use crate::api::things::{read_source, ready_reembedding, unique_email};
use crate::attachments::attach;
use crate::dumps::dump_and_restore;
use crate::support::{TestApp, TestTenant};
use crate::uploads::{begin, send_all};

/// The example of a body; an invitation is another one each time.
pub async fn example_of(tenant: &TestTenant, id: &str, schema: &Value) -> Value {
    let mut example = schema["example"].clone();
    if id == "create_acceptance" {
        example["invitation"] = json!(tenant.invite(&unique_email()).await);
    }
    example
}

/// A request as somebody makes it who can: a person who has just logged in where a key is not enough.
pub async fn request(
    app: &TestApp,
    tenant: &TestTenant,
    id: &str,
    method: reqwest::Method,
    address: &str,
) -> reqwest::RequestBuilder {
    if address.starts_with(PLATFORM) {
        return tenant.with_key(&app.operator_key().await).request(method, address);
    }
    if !PERSONAL.contains(&id) {
        return tenant.request(method, address);
    }
    let email = unique_email();
    tenant.local_member(&email, Role::Member, Some(PASSWORD)).await;
    let login = json!({ "tenant": "pidima", "email": email, "password": PASSWORD });
    let reply = tenant.post("/v1/login", &login).await;
    let cookie = reply.headers["set-cookie"].to_str().expect("a cookie").split(';').next();
    reqwest::Client::new()
        .request(method, format!("{}{address}", app.url))
        .header("cookie", cookie.expect("name and value"))
        .header("sec-fetch-site", "same-origin")
}

/// Something of each noun, so that no list is empty; ids by the names of path parameters.
pub async fn fill(app: &TestApp, tenant: &TestTenant) -> Vec<(&'static str, String)> {
    let text = "# API keys\n\nTo create an API key, open Settings and choose New key. A key is shown once.";
    let document = tenant.learn("keys.md", text).await;
    let jobs = tenant.get("/v1/ingestion_jobs").await.expect(200);
    let collection = tenant.post("/v1/collections", &json!({ "name": "other" })).await.expect(201);
    let session = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", text_of(&session["id"]));
    let valve = "# Valves\n\nThe valve opens at 5 bar.\n";
    let attached = attach(tenant, &text_of(&session["id"]), "valve.md", valve).await;
    let question = json!({ "content": "How do I create an API key?" });
    let answer = tenant.post(&path, &question).await.expect(200);
    let key = json!({ "name": "spare", "role": "member" });
    let key = tenant.post("/v1/api_keys", &key).await.expect(201);
    let widget = json!({ "name": "widget", "role": "member", "kind": "publishable",
        "allowed_origins": ["https://www.example.com"] });
    let widget = tenant.post("/v1/api_keys", &widget).await.expect(201);
    let group = tenant.post("/v1/groups", &json!({ "name": "writers" })).await.expect(201);
    let invited = json!({ "email": "grace@example.com", "role": "member" });
    let invited = tenant.post("/v1/invitations", &invited).await.expect(201);
    let member = tenant.local_member(&unique_email(), Role::Member, None).await;
    let place = format!("/v1/groups/{}/members/{member}", text_of(&group["id"]));
    tenant.put(&place).await.expect(204);
    let quota = json!({ "subject": "tenant", "measure": "tokens", "period": "month", "hard_limit": 1_000_000 });
    let quota = tenant.post("/v1/quotas", &quota).await.expect(201);
    tenant.as_member("member").await;
    let logins = tenant.get("/v1/browser_sessions").await.expect(200);
    let assistant = json!({ "name": "other", "draft": { "style": "bullets" } });
    let assistant = text_of(&tenant.post("/v1/assistants", &assistant).await.expect(201)["id"]);
    let publish = format!("/v1/assistants/{assistant}/publish");
    tenant.send(tenant.request(reqwest::Method::POST, &publish)).await.expect(200);
    // The file that the example of completing has the digest of.
    let file = "# Pumps\n\nThe pump runs at 3 bar.\n";
    let upload = begin(tenant, "pumps.md", file.len()).await;
    send_all(tenant, &upload, file.as_bytes()).await;
    let (webhook, delivery) = webhook(tenant).await;
    let (source, source_run) = read_source(tenant, collection["id"].as_str().unwrap()).await;
    let reembedding = ready_reembedding(tenant, collection["id"].as_str().unwrap()).await;
    let (dump, restore) = dump_and_restore(tenant, &text_of(&collection["id"])).await;
    vec![
        ("{reembedding_id}", reembedding),
        ("{dump_id}", dump),
        ("{file_name}", "documents.parquet".to_owned()),
        ("{restore_id}", restore),
        ("{source_id}", source),
        ("{source_run_id}", source_run),
        ("{webhook_id}", webhook),
        ("{delivery_id}", delivery),
        ("{assistant_id}", assistant),
        ("{version_number}", "1".to_owned()),
        // Not the tenant itself: an example suspends it.
        ("{tenant_id}", app.tenant("operated").await.id.to_string()),
        (PUBLISHABLE_KEY, text_of(&widget["api_key"]["id"])),
        ("{quota_id}", text_of(&quota["id"])),
        ("{group_id}", text_of(&group["id"])),
        ("{member_id}", member),
        ("{invitation_id}", text_of(&invited["invitation"]["id"])),
        ("{browser_session_id}", text_of(&logins["items"][0]["id"])),
        ("{upload_id}", text_of(&upload["id"])),
        ("{part_number}", "1".to_owned()),
        ("{document_id}", text_of(&document["id"])),
        ("{job_id}", text_of(&jobs["items"][0]["id"])),
        ("{dead_letter_id}", tenant.dead_letter().await),
        ("{collection_id}", text_of(&collection["id"])),
        ("{session_id}", text_of(&session["id"])),
        ("{attachment_id}", text_of(&attached["id"])),
        ("{message_id}", text_of(&answer["message_id"])),
        ("{run_id}", text_of(&answer["run_id"])),
        ("{citation_id}", text_of(&answer["citations"][0]["id"])),
        ("{api_key_id}", text_of(&key["api_key"]["id"])),
    ]
}

/// A webhook, and the delivery that tries it.
async fn webhook(tenant: &TestTenant) -> (String, String) {
    let webhook = json!({ "url": "https://hooks.example.com/", "events": ["document.ready"] });
    let made = tenant.post("/v1/webhooks", &webhook).await.expect(201);
    let webhook = text_of(&made["webhook"]["id"]);
    let test = format!("/v1/webhooks/{webhook}/test");
    let delivery = tenant.post(&test, &Value::Null).await.expect(202);
    (webhook, text_of(&delivery["id"]))
}

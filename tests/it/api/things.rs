//! Things of a tenant, one of each noun, that operations are tried with.

use pidima::identity::Role;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use super::operations::Operation;
use crate::attachments::attach;
use crate::dumps::dump_and_restore;
use crate::support::{TestTenant, WordsEmbedder, eventually};
use crate::uploads::{begin, send_all};

/// Ids of things of one tenant.
#[derive(Clone)]
pub struct Things {
    pub tenant_id: String,
    /// A key that manages keys.
    pub api_key_id: String,
    pub member_id: String,
    pub publishable_key_id: String,
    pub browser_session_id: String,
    pub collection_id: String,
    pub document_id: String,
    pub job_id: String,
    /// All parts of [`UPLOADED`] have arrived.
    pub upload_id: String,
    /// Messages that were set aside.
    pub dead_letter_ids: [String; 2],
    pub session_id: String,
    /// A file of the session.
    pub attachment_id: String,
    pub message_id: String,
    pub citation_id: String,
    pub run_id: String,
    pub group_id: String,
    pub invitation_id: String,
    pub quota_id: String,
    pub webhook_id: String,
    /// What the webhook was told.
    pub delivery_id: String,
    /// A re-embedding of the collection that is ready.
    pub reembedding_id: String,
    pub source_id: String,
    /// A run of the source that is over.
    pub source_run_id: String,
    /// A dump that is ready.
    pub dump_id: String,
    /// A restore of it that is completed.
    pub restore_id: String,
    /// An assistant with a published version.
    pub assistant_id: String,
}

/// What the upload of [`Things`] brings.
const UPLOADED: &str = "The pump runs at 5 bar.";

impl Things {
    /// New things of a tenant: a session with an answer by `asker`, the rest by `owner`.
    pub async fn make(owner: &TestTenant, asker: &TestTenant) -> Self {
        Self::make_where(owner, asker, |_| true).await
    }

    /// The same for one operation: of what takes a worker some time, what stands in its path. The other ids are of nothing.
    pub async fn make_for(operation: Operation, owner: &TestTenant, asker: &TestTenant) -> Self {
        Self::make_where(owner, asker, |id| operation.path.contains(id)).await
    }

    async fn make_where(
        owner: &TestTenant,
        asker: &TestTenant,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let absent = || Uuid::now_v7().to_string();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let collection = json!({ "name": unique() });
        let collection_id =
            text(&owner.post("/v1/collections", &collection).await.expect(201)["id"]);
        let file = Part::bytes(b"The pump runs at 3 bar.".to_vec()).file_name("pump.md");
        let form = Form::new().part("file", file).text("collection_id", collection_id.clone());
        let upload = owner.request(Method::POST, "/v1/documents").multipart(form);
        let document_id = text(&owner.send(upload).await.expect(202)["id"]);
        let key = json!({ "name": "spare", "role": "admin", "scopes": ["keys:manage"] });
        let key = owner.post("/v1/api_keys", &key).await.expect(201);
        let group_id =
            text(&owner.post("/v1/groups", &json!({ "name": unique() })).await.expect(201)["id"]);
        let invited = json!({ "email": "grace@example.com", "role": "member" });
        let invited = owner.post("/v1/invitations", &invited).await.expect(201);
        let origins = ["https://www.example.com"];
        let widget = json!({ "name": "widget", "role": "member", "kind": "publishable", "allowed_origins": origins });
        let widget = owner.post("/v1/api_keys", &widget).await.expect(201);
        let api_key_id = text(&key["api_key"]["id"]);
        let quota = json!({ "subject": "key", "subject_id": api_key_id, "measure": "questions", "period": "day", "hard_limit": 1000 });
        let quota = owner.post("/v1/quotas", &quota).await.expect(201);
        let session = asker.post("/v1/sessions", &json!({ "title": "pumps" })).await.expect(201);
        let session_id = text(&session["id"]);
        let path = format!("/v1/sessions/{session_id}/messages");
        // Its answer cites, once the document is in search.
        owner.settled(&document_id).await;
        let jobs = format!("/v1/ingestion_jobs?document_id={document_id}");
        let job_id = text(&owner.get(&jobs).await.expect(200)["items"][0]["id"]);
        let mut attachment_id = absent();
        if is_wanted("{attachment_id}") {
            let file = "The valve opens at 5 bar.";
            attachment_id = text(&attach(asker, &session_id, "valve.md", file).await["id"]);
        }
        let mut upload_id = absent();
        if is_wanted("{upload_id}") {
            let upload = begin(owner, &unique(), UPLOADED.len()).await;
            send_all(owner, &upload, UPLOADED.as_bytes()).await;
            upload_id = text(&upload["id"]);
        }
        let question = json!({ "content": "At how many bar does the pump run?" });
        let answer = asker.post(&path, &question).await.expect(200);
        let person = owner.as_member("member").await.member_id.unwrap();
        let logins = owner.get(&format!("/v1/browser_sessions?member_id={person}")).await;
        let browser_session_id = text(&logins.expect(200)["items"][0]["id"]);
        let hook = json!({ "url": "https://localhost/hook", "events": ["document.failed"] });
        let webhook = owner.post("/v1/webhooks", &hook).await.expect(201);
        let webhook_id = text(&webhook["webhook"]["id"]);
        let test = format!("/v1/webhooks/{webhook_id}/test");
        let delivery = owner.send(owner.request(Method::POST, &test)).await.expect(202);
        let (source_id, source_run_id) = if is_wanted("{source_id}") {
            read_source(owner, &collection_id).await
        } else {
            (absent(), absent())
        };
        let reembedding_id = if is_wanted("{reembedding_id}") {
            ready_reembedding(owner, &collection_id).await
        } else {
            absent()
        };
        let assistant =
            owner.post("/v1/assistants", &json!({ "name": unique() })).await.expect(201);
        let assistant_id = text(&assistant["id"]);
        let publish = format!("/v1/assistants/{assistant_id}/publish");
        owner.send(owner.request(Method::POST, &publish)).await.expect(200);
        let (dump_id, restore_id) = if is_wanted("{dump_id}") || is_wanted("{restore_id}") {
            dump_and_restore(owner, &collection_id).await
        } else {
            (absent(), absent())
        };
        Self {
            tenant_id: owner.id.to_string(),
            api_key_id,
            member_id: owner.local_member(&unique_email(), Role::Member, None).await,
            publishable_key_id: text(&widget["api_key"]["id"]),
            browser_session_id,
            collection_id,
            document_id,
            job_id,
            upload_id,
            dead_letter_ids: [owner.dead_letter().await, owner.dead_letter().await],
            session_id,
            attachment_id,
            message_id: text(&answer["message_id"]),
            citation_id: text(&answer["citations"][0]["id"]),
            run_id: text(&answer["run_id"]),
            group_id,
            invitation_id: text(&invited["invitation"]["id"]),
            quota_id: text(&quota["id"]),
            webhook_id,
            delivery_id: text(&delivery["id"]),
            reembedding_id,
            source_id,
            source_run_id,
            dump_id,
            restore_id,
            assistant_id,
        }
    }

    /// Ids that nothing has.
    pub fn absent() -> Self {
        let id = || Uuid::now_v7().to_string();
        Self {
            tenant_id: id(),
            api_key_id: id(),
            member_id: id(),
            publishable_key_id: id(),
            browser_session_id: id(),
            collection_id: id(),
            document_id: id(),
            job_id: id(),
            upload_id: id(),
            dead_letter_ids: [id(), id()],
            session_id: id(),
            attachment_id: id(),
            message_id: id(),
            citation_id: id(),
            run_id: id(),
            group_id: id(),
            invitation_id: id(),
            quota_id: id(),
            webhook_id: id(),
            delivery_id: id(),
            reembedding_id: id(),
            source_id: id(),
            source_run_id: id(),
            dump_id: id(),
            restore_id: id(),
            assistant_id: id(),
        }
    }
}

/// Digest of the upload, which is the mark of its one part too where a folder keeps it.
pub fn uploaded_sha256() -> String {
    crate::uploads::sha256(UPLOADED.as_bytes())
}

/// A re-embedding of a collection, once every passage has both vectors.
pub async fn ready_reembedding(owner: &TestTenant, collection_id: &str) -> String {
    let path = format!("/v1/collections/{collection_id}/reembeddings");
    let body = json!({ "embedding_model": WordsEmbedder::MODEL });
    let begun = owner.post(&path, &body).await.expect(202);
    let id = begun["id"].as_str().unwrap().to_owned();
    eventually("the re-embedding is ready", || async {
        owner.get(&format!("{path}/{id}")).await.expect(200)["state"] == "ready"
    })
    .await;
    id
}

/// A source at an address that no request may reach: its runs fail at once.
pub fn source(collection_id: &str) -> Value {
    let configuration =
        json!({ "kind": "website", "url": "https://localhost/docs/", "discovery": "crawl" });
    json!({ "name": unique(), "collection_id": collection_id, "configuration": configuration })
}

/// A source and a run of it that is over.
pub async fn read_source(owner: &TestTenant, collection_id: &str) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let made = owner.post("/v1/sources", &source(collection_id)).await.expect(201);
    let source_id = text(&made["id"]);
    let path = format!("/v1/sources/{source_id}");
    let sync = owner.request(Method::POST, &format!("{path}/sync"));
    let run_id = text(&owner.send(sync).await.expect(202)["id"]);
    let run = format!("{path}/runs/{run_id}");
    eventually("the run fails", || async {
        owner.get(&run).await.expect(200)["run"]["state"] == "failed"
    })
    .await;
    (source_id, run_id)
}

/// An address that nobody has.
pub fn unique_email() -> String {
    format!("made-{}@example.com", Uuid::new_v4().simple())
}

/// A name that nothing has.
pub fn unique() -> String {
    format!("made {}", Uuid::new_v4().simple())
}

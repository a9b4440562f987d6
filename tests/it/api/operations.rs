//! Every operation of the API with what it needs and a request that does it: the table that access and isolation walk.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::things::{Things, source, unique, uploaded_sha256};
use super::{documented_operations, openapi};
use crate::support::{TestApp, WordsEmbedder};

/// One operation.
#[derive(Clone, Copy)]
pub struct Operation {
    pub id: &'static str,
    pub method: &'static str,
    /// As in the document; `{…}` names a field of [`Things`].
    pub path: &'static str,
    /// Roles that may; from the least to the most.
    pub roles: &'static [&'static str],
    pub scope: Option<&'static str>,
    pub body: Body,
}

/// What an operation sends.
#[derive(Clone, Copy)]
pub enum Body {
    Nothing,
    Json(fn(&Things) -> Value),
    /// A file into the collection.
    File,
    /// A file for the session.
    Attachment,
}

const EVERYBODY: &[&str] = &["analyst", "member", "editor", "admin", "owner"];
const ASKERS: &[&str] = &["member", "editor", "admin", "owner"];
const KEEPERS: &[&str] = &["analyst", "editor", "admin", "owner"];
const EDITORS: &[&str] = &["editor", "admin", "owner"];
const ADMINS: &[&str] = &["admin", "owner"];
const OVERSEERS: &[&str] = &["analyst", "admin", "owner"];

const ASK: Option<&str> = Some("ask");
const READ: Option<&str> = Some("documents:read");
const WRITE: Option<&str> = Some("documents:write");
const KEYS: Option<&str> = Some("keys:manage");
const MEMBERS: Option<&str> = Some("members:manage");

/// Operations that need a person, not a key: the tests of accounts and of logins call them as one.
pub const PERSONAL: &[&str] = &["create_logout", "update_password"];

/// Operations that need no credential: they are where one comes from.
const OPEN: &[(&str, &str, &str)] = &[
    ("create_login", "POST", "/v1/login"),
    ("create_acceptance", "POST", "/v1/invitations/accept"),
    ("update_upload_part", "PUT", "/v1/uploads/{upload_id}/parts/{part_number}"),
];
const PEOPLE: Option<&str> = Some("members:manage");
const TENANT: Option<&str> = Some("tenant:manage");
const AUDIT: Option<&str> = Some("audit:read");

/// Id, method, path, roles, scope, body.
type Row =
    (&'static str, &'static str, &'static str, &'static [&'static str], Option<&'static str>, Body);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("get_me", "GET", "/v1/me", EVERYBODY, None, Body::Nothing),
    ("create_logout", "POST", "/v1/logout", EVERYBODY, None, Body::Nothing),
    ("update_password", "PUT", "/v1/me/password", EVERYBODY, None,
        Body::Json(|_| json!({ "current": "gravel otter lantern", "new": "nine herons mend a bicycle" }))),
    ("create_password_reset", "POST", "/v1/members/{member_id}/password_reset", ADMINS, MEMBERS, Body::Nothing),
    ("list_browser_sessions", "GET", "/v1/browser_sessions", ADMINS, MEMBERS, Body::Nothing),
    ("delete_browser_sessions", "DELETE", "/v1/browser_sessions", EVERYBODY, None, Body::Nothing),
    ("delete_browser_session", "DELETE", "/v1/browser_sessions/{browser_session_id}", ADMINS, MEMBERS, Body::Nothing),
    ("list_api_keys", "GET", "/v1/api_keys", ADMINS, KEYS, Body::Nothing),
    ("create_api_key", "POST", "/v1/api_keys", ADMINS, KEYS,
        Body::Json(|_| json!({ "name": "made", "role": "admin", "scopes": ["keys:manage"] }))),
    ("get_api_key", "GET", "/v1/api_keys/{api_key_id}", ADMINS, KEYS, Body::Nothing),
    ("delete_api_key", "DELETE", "/v1/api_keys/{api_key_id}", ADMINS, KEYS, Body::Nothing),
    ("list_members", "GET", "/v1/members", ADMINS, PEOPLE, Body::Nothing),
    ("get_member", "GET", "/v1/members/{member_id}", ADMINS, PEOPLE, Body::Nothing),
    ("update_member", "PATCH", "/v1/members/{member_id}", ADMINS, PEOPLE,
        Body::Json(|_| json!({ "role": "editor" }))),
    ("delete_member", "DELETE", "/v1/members/{member_id}", ADMINS, PEOPLE, Body::Nothing),
    ("list_invitations", "GET", "/v1/invitations", ADMINS, PEOPLE, Body::Nothing),
    ("create_invitation", "POST", "/v1/invitations", ADMINS, PEOPLE,
        Body::Json(|things| json!({ "email": "ada@example.com", "role": "member", "group_ids": [things.group_id] }))),
    ("get_invitation", "GET", "/v1/invitations/{invitation_id}", ADMINS, PEOPLE, Body::Nothing),
    ("delete_invitation", "DELETE", "/v1/invitations/{invitation_id}", ADMINS, PEOPLE, Body::Nothing),
    ("list_groups", "GET", "/v1/groups", ADMINS, PEOPLE, Body::Nothing),
    ("create_group", "POST", "/v1/groups", ADMINS, PEOPLE,
        Body::Json(|_| json!({ "name": unique() }))),
    ("get_group", "GET", "/v1/groups/{group_id}", ADMINS, PEOPLE, Body::Nothing),
    ("update_group", "PATCH", "/v1/groups/{group_id}", ADMINS, PEOPLE,
        Body::Json(|_| json!({ "name": unique() }))),
    ("delete_group", "DELETE", "/v1/groups/{group_id}", ADMINS, PEOPLE, Body::Nothing),
    ("list_group_members", "GET", "/v1/groups/{group_id}/members", ADMINS, PEOPLE, Body::Nothing),
    ("update_group_member", "PUT", "/v1/groups/{group_id}/members/{member_id}", ADMINS, PEOPLE, Body::Nothing),
    ("delete_group_member", "DELETE", "/v1/groups/{group_id}/members/{member_id}", ADMINS, PEOPLE, Body::Nothing),
    ("get_tenant", "GET", "/v1/tenant", ADMINS, TENANT, Body::Nothing),
    ("update_tenant", "PATCH", "/v1/tenant", ADMINS, TENANT,
        Body::Json(|_| json!({ "name": unique() }))),
    ("update_api_key", "PATCH", "/v1/api_keys/{api_key_id}", ADMINS, KEYS,
        Body::Json(|_| json!({ "name": "changed" }))),
    ("rotate_api_key", "POST", "/v1/api_keys/{api_key_id}/rotate", ADMINS, KEYS,
        Body::Json(|_| json!({ "overlap_seconds": 60 }))),
    ("create_widget_token", "POST", "/v1/widget_tokens", ASKERS, Some("widgets:sign"),
        Body::Json(|things| json!({ "api_key_id": things.publishable_key_id, "end_user": { "id": "ada" } }))),
    ("list_collections", "GET", "/v1/collections", EVERYBODY, READ, Body::Nothing),
    ("create_collection", "POST", "/v1/collections", EDITORS, WRITE,
        Body::Json(|_| json!({ "name": unique(), "description": "made" }))),
    ("get_collection", "GET", "/v1/collections/{collection_id}", EVERYBODY, READ, Body::Nothing),
    ("update_collection", "PATCH", "/v1/collections/{collection_id}", EDITORS, WRITE,
        Body::Json(|_| json!({ "description": "changed" }))),
    ("get_suggested_questions", "GET", "/v1/collections/{collection_id}/suggested_questions", EVERYBODY, ASK, Body::Nothing),
    ("delete_collection", "DELETE", "/v1/collections/{collection_id}", EDITORS, WRITE, Body::Nothing),
    ("list_reembeddings", "GET", "/v1/collections/{collection_id}/reembeddings", ADMINS, WRITE, Body::Nothing),
    ("create_reembedding", "POST", "/v1/collections/{collection_id}/reembeddings", ADMINS, WRITE,
        Body::Json(|_| json!({ "embedding_model": WordsEmbedder::MODEL }))),
    ("get_reembedding", "GET", "/v1/collections/{collection_id}/reembeddings/{reembedding_id}", ADMINS, WRITE,
        Body::Nothing),
    ("switch_reembedding", "POST", "/v1/collections/{collection_id}/reembeddings/{reembedding_id}/switch", ADMINS, WRITE,
        Body::Nothing),
    ("rollback_reembedding", "POST", "/v1/collections/{collection_id}/reembeddings/{reembedding_id}/rollback", ADMINS,
        WRITE, Body::Nothing),
    ("cancel_reembedding", "POST", "/v1/collections/{collection_id}/reembeddings/{reembedding_id}/cancel", ADMINS, WRITE,
        Body::Nothing),
    ("list_documents", "GET", "/v1/documents", EVERYBODY, READ, Body::Nothing),
    ("create_document", "POST", "/v1/documents", EDITORS, WRITE, Body::File),
    ("get_document", "GET", "/v1/documents/{document_id}", EVERYBODY, READ, Body::Nothing),
    ("update_document", "PATCH", "/v1/documents/{document_id}", EDITORS, WRITE,
        Body::Json(|_| json!({ "metadata": { "product": "changed" } }))),
    ("get_document_enrichment", "GET", "/v1/documents/{document_id}/enrichment", EVERYBODY, READ, Body::Nothing),
    ("delete_document", "DELETE", "/v1/documents/{document_id}", EDITORS, WRITE, Body::Nothing),
    ("list_document_versions", "GET", "/v1/documents/{document_id}/versions", EVERYBODY, READ, Body::Nothing),
    ("list_uploads", "GET", "/v1/uploads", EDITORS, WRITE, Body::Nothing),
    ("create_upload", "POST", "/v1/uploads", EDITORS, WRITE,
        Body::Json(|things| json!({ "name": unique(), "size_bytes": 23, "collection_id": things.collection_id }))),
    ("get_upload", "GET", "/v1/uploads/{upload_id}", EDITORS, WRITE, Body::Nothing),
    ("complete_upload", "POST", "/v1/uploads/{upload_id}/complete", EDITORS, WRITE,
        Body::Json(|_| json!({ "parts": [{ "part_number": 1, "etag": uploaded_sha256() }], "sha256": uploaded_sha256() }))),
    ("delete_upload", "DELETE", "/v1/uploads/{upload_id}", EDITORS, WRITE, Body::Nothing),
    ("list_ingestion_jobs", "GET", "/v1/ingestion_jobs", EDITORS, WRITE, Body::Nothing),
    ("get_ingestion_job", "GET", "/v1/ingestion_jobs/{job_id}", EDITORS, WRITE, Body::Nothing),
    ("list_ingestion_job_events", "GET", "/v1/ingestion_jobs/{job_id}/events", EDITORS, WRITE, Body::Nothing),
    ("cancel_ingestion_job", "POST", "/v1/ingestion_jobs/{job_id}/cancel", EDITORS, WRITE, Body::Nothing),
    ("retry_ingestion_job", "POST", "/v1/ingestion_jobs/{job_id}/retry", EDITORS, WRITE, Body::Nothing),
    ("reprocess_document", "POST", "/v1/documents/{document_id}/reprocess", EDITORS, WRITE, Body::Nothing),
    ("list_sources", "GET", "/v1/sources", EDITORS, WRITE, Body::Nothing),
    ("create_source", "POST", "/v1/sources", EDITORS, WRITE,
        Body::Json(|things| source(&things.collection_id))),
    ("get_source", "GET", "/v1/sources/{source_id}", EDITORS, WRITE, Body::Nothing),
    ("update_source", "PATCH", "/v1/sources/{source_id}", EDITORS, WRITE,
        Body::Json(|_| json!({ "name": "changed" }))),
    ("delete_source", "DELETE", "/v1/sources/{source_id}", EDITORS, WRITE, Body::Nothing),
    ("sync_source", "POST", "/v1/sources/{source_id}/sync", EDITORS, WRITE, Body::Nothing),
    ("list_source_runs", "GET", "/v1/sources/{source_id}/runs", EDITORS, WRITE, Body::Nothing),
    ("get_source_run", "GET", "/v1/sources/{source_id}/runs/{source_run_id}", EDITORS, WRITE, Body::Nothing),
    ("cancel_source_run", "POST", "/v1/sources/{source_id}/runs/{source_run_id}/cancel", EDITORS, WRITE, Body::Nothing),
    ("list_dumps", "GET", "/v1/collections/{collection_id}/dumps", EDITORS, READ, Body::Nothing),
    ("create_dump", "POST", "/v1/collections/{collection_id}/dumps", EDITORS, WRITE, Body::Nothing),
    ("get_dump", "GET", "/v1/dumps/{dump_id}", EDITORS, READ, Body::Nothing),
    ("get_dump_file", "GET", "/v1/dumps/{dump_id}/files/{file_name}", EDITORS, READ, Body::Nothing),
    ("delete_dump", "DELETE", "/v1/dumps/{dump_id}", EDITORS, WRITE, Body::Nothing),
    ("restore_dump", "POST", "/v1/dumps/{dump_id}/restore", EDITORS, WRITE,
        Body::Json(|_| json!({ "name": unique() }))),
    ("list_restores", "GET", "/v1/restores", EDITORS, READ, Body::Nothing),
    ("get_restore", "GET", "/v1/restores/{restore_id}", EDITORS, READ, Body::Nothing),
    ("list_assistants", "GET", "/v1/assistants", EVERYBODY, ASK, Body::Nothing),
    ("create_assistant", "POST", "/v1/assistants", EDITORS, WRITE,
        Body::Json(|things| json!({ "name": unique(), "draft": { "collection_ids": [things.collection_id] } }))),
    ("get_assistant", "GET", "/v1/assistants/{assistant_id}", EVERYBODY, ASK, Body::Nothing),
    ("update_assistant", "PATCH", "/v1/assistants/{assistant_id}", EDITORS, WRITE,
        Body::Json(|_| json!({ "draft": { "style": "steps" } }))),
    ("delete_assistant", "DELETE", "/v1/assistants/{assistant_id}", EDITORS, WRITE, Body::Nothing),
    ("publish_assistant", "POST", "/v1/assistants/{assistant_id}/publish", EDITORS, WRITE, Body::Nothing),
    ("rollback_assistant", "POST", "/v1/assistants/{assistant_id}/rollback", EDITORS, WRITE,
        Body::Json(|_| json!({ "version": 1 }))),
    ("list_assistant_versions", "GET", "/v1/assistants/{assistant_id}/versions", EDITORS, WRITE, Body::Nothing),
    ("get_assistant_version", "GET", "/v1/assistants/{assistant_id}/versions/{version_number}", EDITORS, WRITE,
        Body::Nothing),
    ("search_passages", "POST", "/v1/search", EVERYBODY, ASK,
        Body::Json(|things| json!({ "query": "pump pressure", "collection_ids": [things.collection_id] }))),
    ("create_answer", "POST", "/v1/answers", ASKERS, ASK,
        Body::Json(|things| json!({ "question": "pump pressure?", "collection_ids": [things.collection_id] }))),
    ("list_sessions", "GET", "/v1/sessions", EVERYBODY, ASK, Body::Nothing),
    ("create_session", "POST", "/v1/sessions", ASKERS, ASK,
        Body::Json(|things| json!({ "title": "made", "collection_ids": [things.collection_id] }))),
    ("get_session", "GET", "/v1/sessions/{session_id}", EVERYBODY, ASK, Body::Nothing),
    ("update_session", "PATCH", "/v1/sessions/{session_id}", ASKERS, ASK,
        Body::Json(|_| json!({ "title": "changed" }))),
    ("delete_session", "DELETE", "/v1/sessions/{session_id}", ASKERS, ASK, Body::Nothing),
    ("create_message", "POST", "/v1/sessions/{session_id}/messages", ASKERS, ASK,
        Body::Json(|_| json!({ "content": "And the pump?" }))),
    ("list_messages", "GET", "/v1/sessions/{session_id}/messages", EVERYBODY, ASK, Body::Nothing),
    ("list_attachments", "GET", "/v1/sessions/{session_id}/attachments", EVERYBODY, ASK, Body::Nothing),
    ("create_attachment", "POST", "/v1/sessions/{session_id}/attachments", ASKERS, ASK, Body::Attachment),
    ("get_attachment", "GET", "/v1/sessions/{session_id}/attachments/{attachment_id}", EVERYBODY, ASK, Body::Nothing),
    ("delete_attachment", "DELETE", "/v1/sessions/{session_id}/attachments/{attachment_id}", ASKERS, ASK, Body::Nothing),
    ("get_run", "GET", "/v1/runs/{run_id}", EVERYBODY, ASK, Body::Nothing),
    ("list_run_events", "GET", "/v1/runs/{run_id}/events", EVERYBODY, ASK, Body::Nothing),
    ("cancel_run", "POST", "/v1/runs/{run_id}/cancel", ASKERS, ASK, Body::Nothing),
    ("list_audit_events", "GET", "/v1/audit_events", ADMINS, AUDIT, Body::Nothing),
    ("export_audit_events", "GET", "/v1/audit_events/export", ADMINS, AUDIT, Body::Nothing),
    ("list_quotas", "GET", "/v1/quotas", ADMINS, TENANT, Body::Nothing),
    ("create_quota", "POST", "/v1/quotas", ADMINS, TENANT,
        Body::Json(|things| json!({ "subject": "key", "subject_id": things.api_key_id, "measure": "tokens", "period": "month", "hard_limit": 1000 }))),
    ("get_quota", "GET", "/v1/quotas/{quota_id}", ADMINS, TENANT, Body::Nothing),
    ("update_quota", "PATCH", "/v1/quotas/{quota_id}", ADMINS, TENANT,
        Body::Json(|_| json!({ "hard_limit": 2000 }))),
    ("delete_quota", "DELETE", "/v1/quotas/{quota_id}", ADMINS, TENANT, Body::Nothing),
    ("list_webhooks", "GET", "/v1/webhooks", ADMINS, TENANT, Body::Nothing),
    ("create_webhook", "POST", "/v1/webhooks", ADMINS, TENANT,
        Body::Json(|_| json!({ "url": "https://localhost/made", "events": ["document.failed"] }))),
    ("get_webhook", "GET", "/v1/webhooks/{webhook_id}", ADMINS, TENANT, Body::Nothing),
    ("update_webhook", "PATCH", "/v1/webhooks/{webhook_id}", ADMINS, TENANT,
        Body::Json(|_| json!({ "url": "https://localhost/changed" }))),
    ("delete_webhook", "DELETE", "/v1/webhooks/{webhook_id}", ADMINS, TENANT, Body::Nothing),
    ("rotate_webhook_secret", "POST", "/v1/webhooks/{webhook_id}/rotate", ADMINS, TENANT,
        Body::Json(|_| json!({ "overlap_seconds": 60 }))),
    ("test_webhook", "POST", "/v1/webhooks/{webhook_id}/test", ADMINS, TENANT, Body::Nothing),
    ("list_webhook_deliveries", "GET", "/v1/webhooks/{webhook_id}/deliveries", ADMINS, TENANT, Body::Nothing),
    ("redeliver_webhook_delivery", "POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", ADMINS,
        TENANT, Body::Nothing),
    ("get_usage", "GET", "/v1/usage", EVERYBODY, None, Body::Nothing),
    ("get_message_trace", "GET", "/v1/messages/{message_id}/trace", KEEPERS, ASK, Body::Nothing),
    ("get_message", "GET", "/v1/messages/{message_id}", EVERYBODY, ASK, Body::Nothing),
    ("get_citation", "GET", "/v1/citations/{citation_id}", EVERYBODY, ASK, Body::Nothing),
    ("update_message_feedback", "PUT", "/v1/messages/{message_id}/feedback", ASKERS, ASK,
        Body::Json(|_| json!({ "rating": "down", "reason": "incomplete", "comment": "Which one?" }))),
    ("delete_message_feedback", "DELETE", "/v1/messages/{message_id}/feedback", ASKERS, ASK, Body::Nothing),
    ("list_message_feedback", "GET", "/v1/messages/{message_id}/feedback", EVERYBODY, ASK, Body::Nothing),
    ("update_citation_feedback", "PUT", "/v1/citations/{citation_id}/feedback", ASKERS, ASK,
        Body::Json(|_| json!({ "rating": "correct" }))),
    ("delete_citation_feedback", "DELETE", "/v1/citations/{citation_id}/feedback", ASKERS, ASK, Body::Nothing),
    ("list_feedback", "GET", "/v1/feedback", OVERSEERS, ASK, Body::Nothing),
];

/// What only a key of the operator may do.
#[rustfmt::skip]
const OPERATOR_TABLE: &[Row] = &[
    ("list_platform_tenants", "GET", "/v1/platform/tenants", &[], None, Body::Nothing),
    ("create_platform_tenant", "POST", "/v1/platform/tenants", &[], None,
        Body::Json(|_| json!({ "slug": format!("made-{}", &Uuid::new_v4().simple().to_string()[..20]), "name": "made" }))),
    ("get_platform_tenant", "GET", "/v1/platform/tenants/{tenant_id}", &[], None, Body::Nothing),
    ("update_platform_tenant", "PATCH", "/v1/platform/tenants/{tenant_id}", &[], None,
        Body::Json(|_| json!({ "name": "changed" }))),
    ("list_platform_tenant_quotas", "GET", "/v1/platform/tenants/{tenant_id}/quotas", &[], None, Body::Nothing),
    ("update_platform_tenant_quotas", "PUT", "/v1/platform/tenants/{tenant_id}/quotas", &[], None,
        Body::Json(|_| json!({ "ceilings": [{ "measure": "questions", "period": "day", "hard_limit": 100000 }] }))),
    ("list_dead_letters", "GET", "/v1/platform/dead_letters", &[], None, Body::Nothing),
    ("redrive_dead_letter", "POST", "/v1/platform/dead_letters/{dead_letter_id}/redrive", &[], None, Body::Nothing),
    ("delete_dead_letter", "DELETE", "/v1/platform/dead_letters/{dead_letter_id}", &[], None, Body::Nothing),
];

/// The table of what callers of a tenant may do.
pub fn operations() -> Vec<Operation> {
    rows(TABLE)
}

/// The table of what the operator may do.
pub fn operator_operations() -> Vec<Operation> {
    rows(OPERATOR_TABLE)
}

fn rows(table: &[Row]) -> Vec<Operation> {
    table
        .iter()
        .map(|&(id, method, path, roles, scope, body)| Operation {
            id,
            method,
            path,
            roles,
            scope,
            body,
        })
        .collect()
}

/// The operation of a name.
pub fn operation(id: &str) -> Operation {
    operations().into_iter().find(|operation| operation.id == id).unwrap()
}

impl Operation {
    /// The request on the things given, without a credential.
    pub fn request(&self, app: &TestApp, things: &Things) -> RequestBuilder {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let url = format!("{}{}", app.url, self.path_of(things));
        self.fill(reqwest::Client::new().request(method, url), things)
    }

    /// A request of its own method and path, with its body.
    pub fn fill(&self, request: RequestBuilder, things: &Things) -> RequestBuilder {
        match self.body {
            Body::Nothing => request,
            Body::Json(body) => request.json(&body(things)),
            Body::File => {
                let file = Part::bytes(b"The pump runs at 4 bar.".to_vec()).file_name(unique());
                let form = Form::new().part("file", file);
                request.multipart(form.text("collection_id", things.collection_id.clone()))
            }
            Body::Attachment => {
                let file = Part::bytes(b"The pump runs at 6 bar.".to_vec()).file_name(unique());
                request.multipart(Form::new().part("file", file))
            }
        }
    }

    /// One letter is given back and another one deleted: neither can be both.
    fn dead_letter_of<'a>(&self, things: &'a Things) -> &'a str {
        let [redriven, deleted] = &things.dead_letter_ids;
        if self.id == "delete_dead_letter" { deleted } else { redriven }
    }

    /// The path with ids in it.
    pub fn path_of(&self, things: &Things) -> String {
        self.path
            .replace("{tenant_id}", &things.tenant_id)
            .replace("{api_key_id}", &things.api_key_id)
            .replace("{member_id}", &things.member_id)
            .replace("{browser_session_id}", &things.browser_session_id)
            .replace("{collection_id}", &things.collection_id)
            .replace("{document_id}", &things.document_id)
            .replace("{job_id}", &things.job_id)
            .replace("{upload_id}", &things.upload_id)
            .replace("{dead_letter_id}", self.dead_letter_of(things))
            .replace("{session_id}", &things.session_id)
            .replace("{attachment_id}", &things.attachment_id)
            .replace("{message_id}", &things.message_id)
            .replace("{citation_id}", &things.citation_id)
            .replace("{run_id}", &things.run_id)
            .replace("{group_id}", &things.group_id)
            .replace("{invitation_id}", &things.invitation_id)
            .replace("{quota_id}", &things.quota_id)
            .replace("{webhook_id}", &things.webhook_id)
            .replace("{delivery_id}", &things.delivery_id)
            .replace("{reembedding_id}", &things.reembedding_id)
            .replace("{source_id}", &things.source_id)
            .replace("{source_run_id}", &things.source_run_id)
            .replace("{dump_id}", &things.dump_id)
            .replace("{file_name}", "documents.parquet")
            .replace("{restore_id}", &things.restore_id)
            .replace("{assistant_id}", &things.assistant_id)
            .replace("{version_number}", "1")
    }
}

#[tokio::test]
async fn every_documented_operation_stands_in_the_table_and_no_other() {
    let document = openapi();
    let mut documented: Vec<(String, String, String)> = documented_operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (operation["operationId"].as_str().unwrap().to_owned(), method, path)
        })
        .collect();
    let mut table: Vec<(String, String, String)> = operations()
        .into_iter()
        .chain(operator_operations())
        .map(|operation| (operation.id.into(), operation.method.into(), operation.path.into()))
        .collect();
    table
        .extend(OPEN.iter().map(|(id, method, path)| {
            ((*id).to_owned(), (*method).to_owned(), (*path).to_owned())
        }));
    documented.sort();
    table.sort();
    assert_eq!(table, documented);
}

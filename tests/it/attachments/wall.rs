//! No operation on documentation reaches what is attached to a session, whoever asks and whatever id they know.

use pidima::kernel::ids::attachments_of;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{QUESTION, VALVE, attach, items, open, path};
use crate::api::things::source;
use crate::support::{TestApp, TestTenant};

/// A session with an attachment: the id of its hidden collection, of the attachment, and of its job.
struct Hidden {
    session: String,
    collection: String,
    document: String,
    job: String,
}

impl Hidden {
    async fn make(app: &TestApp, tenant: &TestTenant) -> Self {
        let session = open(tenant, &json!({})).await;
        let attached = attach(tenant, &session, "valve.md", VALVE).await;
        let document = attached["id"].as_str().unwrap().to_owned();
        let job: Uuid = sqlx::query_scalar(
            "select version_id from app.document_versions where document_id = $1::uuid",
        )
        .bind(document.parse::<Uuid>().unwrap())
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
        let collection = attachments_of(session.parse().unwrap()).to_string();
        Self { session, collection, document, job: job.to_string() }
    }
}

#[tokio::test]
async fn lists_do_not_show_it_and_ids_do_not_find_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await;
    let lists =
        ["/v1/documents", "/v1/collections", "/v1/ingestion_jobs", "/v1/documents?state=ready"];
    let mut before = Vec::new();
    for list in lists {
        before.push(items(&tenant, list).await);
    }
    let Hidden { collection, document, job, session } = Hidden::make(&app, &tenant).await;
    for (list, before) in lists.iter().zip(before) {
        assert_eq!(items(&tenant, list).await, before, "{list}");
    }
    for list in [
        format!("/v1/documents?collection_id={collection}"),
        format!("/v1/ingestion_jobs?collection_id={collection}"),
        format!("/v1/ingestion_jobs?document_id={document}"),
    ] {
        assert_eq!(items(&tenant, &list).await, Vec::<Value>::new(), "{list}");
    }
    let nothing = json!({});
    let cases: &[(Method, String, &Value)] = &[
        (Method::GET, format!("/v1/documents/{document}"), &nothing),
        (Method::PATCH, format!("/v1/documents/{document}"), &json!({ "metadata": { "a": 1 } })),
        (Method::DELETE, format!("/v1/documents/{document}"), &nothing),
        (Method::GET, format!("/v1/documents/{document}/versions"), &nothing),
        (Method::POST, format!("/v1/documents/{document}/reprocess"), &nothing),
        (Method::GET, format!("/v1/ingestion_jobs/{job}"), &nothing),
        (Method::GET, format!("/v1/ingestion_jobs/{job}/events"), &nothing),
        (Method::POST, format!("/v1/ingestion_jobs/{job}/cancel"), &nothing),
        (Method::POST, format!("/v1/ingestion_jobs/{job}/retry"), &nothing),
        (Method::GET, format!("/v1/collections/{collection}"), &nothing),
        (Method::PATCH, format!("/v1/collections/{collection}"), &json!({ "name": "mine" })),
        (Method::PATCH, format!("/v1/collections/{collection}"), &json!({ "group_ids": [] })),
        (Method::DELETE, format!("/v1/collections/{collection}"), &nothing),
        (Method::GET, format!("/v1/collections/{collection}/dumps"), &nothing),
        (Method::POST, format!("/v1/collections/{collection}/dumps"), &nothing),
        (
            Method::POST,
            "/v1/search".into(),
            &json!({ "query": QUESTION, "collection_ids": [collection] }),
        ),
        (
            Method::POST,
            "/v1/answers".into(),
            &json!({ "question": QUESTION, "collection_ids": [collection] }),
        ),
        (Method::POST, "/v1/sessions".into(), &json!({ "collection_ids": [collection] })),
        (
            Method::POST,
            "/v1/uploads".into(),
            &json!({ "name": "a.md", "size_bytes": 9, "collection_id": collection }),
        ),
        (Method::POST, "/v1/sources".into(), &source(&collection)),
        (
            Method::POST,
            "/v1/assistants".into(),
            &json!({ "name": "a", "draft": { "collection_ids": [collection] } }),
        ),
        (
            Method::POST,
            "/v1/api_keys".into(),
            &json!({ "name": "k", "role": "member", "collection_ids": [collection] }),
        ),
    ];
    for (method, path, body) in cases {
        let mut request = tenant.request(method.clone(), path);
        if *body != &nothing {
            request = request.json(body);
        }
        let reply = tenant.send(request).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    let file = Part::bytes(b"The pump.".to_vec()).file_name("pump.md");
    let form = Form::new().part("file", file).text("collection_id", collection);
    let request = tenant.request(Method::POST, "/v1/documents").multipart(form);
    assert_eq!(tenant.send(request).await.status, 404);
    // It is there all the while.
    assert_eq!(items(&tenant, &path(&session)).await[0]["state"], "ready");
}

#[tokio::test]
async fn one_session_is_no_way_to_the_attachments_of_another_nor_to_documents() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let guide = tenant.learn("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await;
    let hidden = Hidden::make(&app, &tenant).await;
    let other = open(&tenant, &json!({})).await;
    for id in [hidden.document.as_str(), guide["id"].as_str().unwrap()] {
        let place = format!("{}/{id}", path(&other));
        assert_eq!(tenant.get(&place).await.status, 404);
        assert_eq!(tenant.delete(&place).await.status, 404);
    }
    assert_eq!(items(&tenant, &path(&other)).await, Vec::<Value>::new());
    let own = format!("{}/{}", path(&hidden.session), hidden.document);
    assert_eq!(tenant.get(&own).await.expect(200)["state"], "ready");
    assert_eq!(tenant.settled(guide["id"].as_str().unwrap()).await["state"], "ready");
}

#[tokio::test]
async fn webhooks_and_the_views_of_analysts_are_not_told_of_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let hook =
        json!({ "url": "https://localhost/hook", "events": ["document.ready", "document.failed"] });
    let hook = tenant.post("/v1/webhooks", &hook).await.expect(201);
    Hidden::make(&app, &tenant).await;
    let hook = hook["webhook"]["id"].as_str().unwrap();
    let deliveries = format!("/v1/webhooks/{hook}/deliveries");
    assert_eq!(items(&tenant, &deliveries).await, Vec::<Value>::new());
    assert_eq!(super::count(&app, "select count(*) from analytics.documents_by_use").await, 0);
    tenant.learn("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await;
    assert_eq!(items(&tenant, &deliveries).await.len(), 1);
    assert_eq!(super::count(&app, "select count(*) from analytics.documents_by_use").await, 1);
}

//! Collections limited to groups: every way to read, as everybody who reads, with a mark in the limited text that must
//! not be seen in a single byte.

mod asking;
mod limits;
mod model;
mod reading;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{TestApp, TestTenant};

/// Stands in the limited document and nowhere else.
const MARK: &str = "zanzibarite";

/// A tenant with an open and a limited collection.
struct Library {
    tenant: TestTenant,
    group: String,
    open: String,
    limited: String,
    open_document: String,
    limited_document: String,
}

impl Library {
    async fn build(app: &TestApp, slug: &str) -> Self {
        let tenant = app.tenant(slug).await;
        let group = made(&tenant, "/v1/groups", json!({ "name": "chemists" })).await;
        let open = made(&tenant, "/v1/collections", json!({ "name": "open" })).await;
        let body = json!({ "name": format!("{MARK} papers"), "group_ids": [group] });
        let limited = made(&tenant, "/v1/collections", body).await;
        let open_document =
            learn(&tenant, &open, "pump.md", "# Pump\n\nThe pump runs at 3 bar.").await;
        let text = format!("# The {MARK} pump\n\nThe {MARK} pump runs at 9 bar.");
        let name = format!("{MARK}.md");
        let limited_document = learn(&tenant, &limited, &name, &text).await;
        Self { tenant, group, open, limited, open_document, limited_document }
    }

    /// Puts a person in the group.
    async fn admit(&self, member: &TestTenant) {
        self.tenant.put(&self.place(member)).await.expect(204);
    }

    /// Takes a person out of the group.
    async fn expel(&self, member: &TestTenant) {
        self.tenant.delete(&self.place(member)).await.expect(204);
    }

    fn place(&self, member: &TestTenant) -> String {
        format!("/v1/groups/{}/members/{}", self.group, member.member_id.unwrap())
    }
}

/// Id of a thing that was made.
async fn made(tenant: &TestTenant, path: &str, body: Value) -> String {
    tenant.post(path, &body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Uploads into a collection.
async fn upload(
    tenant: &TestTenant,
    collection: &str,
    name: &str,
    text: &str,
) -> crate::support::Reply {
    let file = Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
    let form = Form::new().part("file", file).text("collection_id", collection.to_owned());
    tenant.send(tenant.request(Method::POST, "/v1/documents").multipart(form)).await
}

/// A document once it is in search.
async fn learn(tenant: &TestTenant, collection: &str, name: &str, text: &str) -> String {
    let received = upload(tenant, collection, name, text).await.expect(202);
    let id = received["id"].as_str().unwrap().to_owned();
    assert_eq!(tenant.settled(&id).await["state"], "ready");
    id
}

//! Dumps of collections, and what is brought in of them: the same, whether files lie in a folder or in S3.

mod downloads;
mod enrichment;
mod leases;
mod limits;
mod reach;
mod round_trip;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use pidima::adapters::models::{ExtractiveModel, ModelRegistry};
use pidima::app::Outside;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::aws::{REGION, StandIn};
use crate::support::{ProbedEmbedder, Reply, TestApp, TestTenant, eventually};

/// A service whose files lie in a store, without a worker: the test runs the jobs.
struct Place {
    name: &'static str,
    app: TestApp,
    embedder: Arc<ProbedEmbedder>,
}

/// The service with each store.
async fn places(settings: &[(&str, &str)]) -> Vec<Place> {
    let stand_in = StandIn::shared().await;
    let bucket = stand_in.bucket().await;
    let s3 = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", stand_in.address.as_str()),
        ("PIDIMA_OBJECTS", "s3"),
        ("PIDIMA_OBJECTS_S3_BUCKET", bucket.as_str()),
    ];
    vec![place("directory", settings).await, place("s3", &[&s3[..], settings].concat()).await]
}

async fn place(name: &'static str, settings: &[(&str, &str)]) -> Place {
    place_with(name, settings, Arc::new(ExtractiveModel).into()).await
}

async fn place_with(name: &'static str, settings: &[(&str, &str)], models: ModelRegistry) -> Place {
    let embedder = ProbedEmbedder::new().await;
    let outside = Outside { embedder: Arc::clone(&embedder) as Arc<_>, models };
    Place { name, app: TestApp::start_idle(settings, outside).await, embedder }
}

impl Place {
    /// Where a tenant's dumps are, of a place that keeps them in a folder.
    fn folder(&self, tenant: &TestTenant) -> PathBuf {
        self.app.objects.join("t").join(tenant.id.to_string()).join("dumps")
    }

    /// Does what is to be done, also what waits for its next attempt.
    async fn work(&self) {
        self.run("update app.outbox set due_at = now()").await;
        self.app.app.worker.run_until_idle().await.unwrap();
    }

    async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.app.database.admin()).await.unwrap();
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.app.database.admin()).await.unwrap()
    }

    /// Removes what is over; how much there was.
    async fn sweep(&self) -> u64 {
        self.app
            .app
            .services
            .dumps
            .sweep(&tokio_util::sync::CancellationToken::new())
            .await
            .unwrap()
    }

    /// A dump of a collection, as it is when nothing is left to do.
    async fn dumped(&self, tenant: &TestTenant, collection: &str) -> Value {
        let id = ask(tenant, collection).await;
        self.work().await;
        show(tenant, &id).await
    }

    /// A restore of a dump, as it is when nothing is left to do.
    async fn restored(&self, tenant: &TestTenant, dump: &str, name: &str) -> Value {
        let restore = bring_in(tenant, dump, name).await.expect(202);
        self.work().await;
        let path = format!("/v1/restores/{}", text(&restore["id"]));
        tenant.get(&path).await.expect(200)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn collection(tenant: &TestTenant, name: &str) -> String {
    text(&tenant.post("/v1/collections", &json!({ "name": name })).await.expect(201)["id"])
}

/// Uploads a file into a collection.
async fn upload(tenant: &TestTenant, collection: &str, name: &str, bytes: &str) -> String {
    let file = Part::bytes(bytes.as_bytes().to_vec()).file_name(name.to_owned());
    let form = Form::new()
        .part("file", file)
        .text("collection_id", collection.to_owned())
        .text("source_url", format!("https://example.com/{name}"))
        .text("metadata", json!({ "file": name, "weight": 2.5 }).to_string());
    let reply = tenant.send(tenant.request(Method::POST, "/v1/documents").multipart(form)).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    text(&reply.json()["id"])
}

/// Asks for a dump; its id.
async fn ask(tenant: &TestTenant, collection: &str) -> String {
    text(&asked(tenant, collection).await.expect(202)["id"])
}

async fn asked(tenant: &TestTenant, collection: &str) -> Reply {
    tenant.send(tenant.request(Method::POST, &format!("/v1/collections/{collection}/dumps"))).await
}

async fn show(tenant: &TestTenant, dump: &str) -> Value {
    tenant.get(&format!("/v1/dumps/{dump}")).await.expect(200)
}

async fn bring_in(tenant: &TestTenant, dump: &str, name: &str) -> Reply {
    tenant.post(&format!("/v1/dumps/{dump}/restore"), &json!({ "name": name })).await
}

/// Where a dump stands, and why.
fn state(dump: &Value) -> (&str, &str) {
    let dump = &dump["dump"];
    let code = dump["failure"]["code"].as_str().unwrap_or_default();
    (dump["state"].as_str().unwrap(), code)
}

/// The same of a restore.
fn restore_state(restore: &Value) -> (&str, &str) {
    let code = restore["failure"]["code"].as_str().unwrap_or_default();
    (restore["state"].as_str().unwrap(), code)
}

/// A collection with documents of several kinds, of which one has an older version and one is no good.
async fn library(place: &Place, tenant: &TestTenant) -> String {
    let collection = collection(tenant, "library").await;
    let long: String = (0..60)
        .map(|number| format!("## Part {number}\n\nPart {number} of the pump bears {number} bar, and more words about the pump follow here.\n\n"))
        .collect();
    upload(tenant, &collection, "pumps.md", "# Old\n\nThe old pump.\n").await;
    place.work().await;
    upload(tenant, &collection, "pumps.md", &format!("# Pumps\n\n{long}")).await;
    upload(tenant, &collection, "valves.csv", "valve,bar\nred,3\nblue,5\n").await;
    upload(
        tenant,
        &collection,
        "plain.txt",
        "The lantern runs for 14 hours — auf Deutsch: Laterne.",
    )
    .await;
    upload(tenant, &collection, "empty.md", "<!-- nothing -->").await;
    place.work().await;
    collection
}

/// The rows of a file of a dump, which is downloaded from where it says that it is.
async fn rows(tenant: &TestTenant, dump: &Value, name: &str) -> Vec<BTreeMap<String, String>> {
    let bytes = downloads::download(tenant, downloads::file(dump, name)).await;
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        row.get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect()
    });
    rows.collect()
}

/// A dump of a collection that is ready: its id.
pub async fn dump(owner: &TestTenant, collection_id: &str) -> String {
    let path = format!("/v1/collections/{collection_id}/dumps");
    let made = owner.send(owner.request(Method::POST, &path)).await.expect(202);
    let dump_id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/dumps/{dump_id}");
    eventually("the dump is ready", || async {
        owner.get(&path).await.expect(200)["dump"]["state"] == "ready"
    })
    .await;
    dump_id
}

/// A dump that is ready, and a restore of it that is completed.
pub async fn dump_and_restore(owner: &TestTenant, collection_id: &str) -> (String, String) {
    let dump_id = dump(owner, collection_id).await;
    let path = format!("/v1/dumps/{dump_id}/restore");
    let made = owner.post(&path, &json!({ "name": format!("made {dump_id}") })).await.expect(202);
    let restore_id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/restores/{restore_id}");
    eventually("the restore is completed", || async {
        owner.get(&path).await.expect(200)["state"] == "completed"
    })
    .await;
    (dump_id, restore_id)
}

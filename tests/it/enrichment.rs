//! Enrichment: what a model writes is found and never cited, nothing is paid for twice, and no document waits for it.

mod budgets;
mod keeping;
mod reembedding;
mod switching;
pub mod writer;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use pidima::app::Outside;
use pidima::enrichment::EnrichOutcome;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::writer::Writer;
use crate::support::{ProbedEmbedder, TestApp, TestTenant, eventually, minilm};

/// Tokens that a call of [`Writer`] uses.
const CALL_TOKENS: i64 = 1_010;

/// An application whose model is [`Writer`], a tenant, and a collection.
struct House {
    app: TestApp,
    writer: Arc<Writer>,
    tenant: TestTenant,
    collection: String,
}

impl House {
    /// With a worker, and a collection that is switched on.
    async fn new(settings: &[(&str, &str)]) -> Self {
        let embedder = Arc::new(minilm().await);
        let writer = Arc::new(Writer::default());
        let outside = Outside { embedder, models: Arc::clone(&writer).into() };
        let app = TestApp::start_outside(settings, outside).await;
        Self::of(app, writer, "on").await
    }

    /// Without a worker, with a collection that is switched off, and an embedder that tells what it embedded.
    async fn idle(settings: &[(&str, &str)]) -> (Self, Arc<ProbedEmbedder>) {
        let embedder = ProbedEmbedder::new().await;
        let writer = Arc::new(Writer::default());
        let outside = Outside {
            embedder: Arc::clone(&embedder) as Arc<_>,
            models: Arc::clone(&writer).into(),
        };
        let app = TestApp::start_idle(settings, outside).await;
        (Self::of(app, writer, "off").await, embedder)
    }

    async fn of(app: TestApp, writer: Arc<Writer>, switch: &str) -> Self {
        let tenant = app.tenant("acme").await;
        let collection = collection(&tenant, "guides", switch).await;
        Self { app, writer, tenant, collection }
    }

    /// Runs all jobs that are due until none is left.
    async fn run_jobs(&self) {
        self.app.app.worker.run_until_idle().await.unwrap();
    }

    /// A document that is in search, in a collection that is switched off.
    async fn learned(&self, name: &str, text: &str) -> String {
        let id = self.upload(name, text).await;
        self.run_jobs().await;
        assert_eq!(self.tenant.settled(&id).await["state"], "ready");
        id
    }

    /// Switches the collection on and takes its message away: the test itself does the work.
    async fn switch_on(&self) {
        change(&self.tenant, &self.collection, json!({ "enrichment": "on" })).await;
        self.run("delete from app.outbox where kind = 'enrich_collection'").await;
    }

    /// Works on the collection until there is nothing to do.
    async fn finish(&self) {
        let finishing = async { while self.work().await != EnrichOutcome::Done {} };
        tokio::time::timeout(Duration::from_secs(60), finishing).await.expect("it comes to an end");
    }

    /// Works on the collection for a slice, as the worker does.
    async fn work(&self) -> EnrichOutcome {
        self.work_until(&CancellationToken::new()).await
    }

    /// The same, until it is asked to stop.
    async fn work_until(&self, stop: &CancellationToken) -> EnrichOutcome {
        let collection_id: Uuid = self.collection.parse().unwrap();
        let enrichment = &self.app.app.worker.enrichment;
        enrichment.work(self.tenant.id, collection_id, stop).await.unwrap()
    }

    /// The same in a task of its own, as by another worker.
    fn work_apart(&self) -> JoinHandle<EnrichOutcome> {
        let (tenant, collection_id) = (self.tenant.id, self.collection.parse().unwrap());
        let enrichment = self.app.app.worker.enrichment.clone();
        tokio::spawn(async move {
            enrichment.work(tenant, collection_id, &CancellationToken::new()).await.unwrap()
        })
    }

    /// Uploads a text into the collection; the document's id.
    async fn upload(&self, name: &str, text: &str) -> String {
        upload(&self.tenant, &self.collection, name, text).await
    }

    /// The enrichment of a document once it is in this state.
    async fn enriched(&self, document: &str, state: &str) -> Value {
        eventually(state, || async { show(&self.tenant, document).await["state"] == state }).await;
        show(&self.tenant, document).await
    }

    /// What the model was asked for, without the titles, sorted.
    fn asked(&self) -> Vec<String> {
        let prompts = self.writer.prompts().into_iter();
        let mut asked: Vec<String> = prompts
            .map(|prompt| match prompt.question.rsplit_once(" of ") {
                Some((what, _title)) => what.to_owned(),
                None => prompt.question,
            })
            .collect();
        asked.sort();
        asked
    }

    /// Passages that a search by words finds, whatever they mean.
    async fn found(&self, word: &str) -> Vec<Value> {
        let body = json!({ "query": word, "limit": 50, "explain": true });
        let found = self.tenant.post("/v1/search", &body).await.expect(200);
        let items = found["items"].as_array().unwrap().iter();
        items.filter(|item| item["explanation"]["lexical_rank"].is_number()).cloned().collect()
    }

    async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.app.database.admin()).await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.app.database.admin()).await.unwrap()
    }
}

async fn collection(tenant: &TestTenant, name: &str, switch: &str) -> String {
    let body = json!({ "name": name, "enrichment": switch });
    let made = tenant.post("/v1/collections", &body).await.expect(201);
    assert_eq!(made["enrichment"], switch);
    made["id"].as_str().unwrap().to_owned()
}

async fn change(tenant: &TestTenant, collection: &str, change: Value) -> Value {
    tenant.patch(&format!("/v1/collections/{collection}"), &change).await.expect(200)
}

async fn upload(tenant: &TestTenant, collection: &str, name: &str, text: &str) -> String {
    let file = Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
    let form = Form::new().part("file", file).text("collection_id", collection.to_owned());
    let request = tenant.request(Method::POST, "/v1/documents").multipart(form);
    let document = tenant.send(request).await.expect(202);
    document["id"].as_str().unwrap().to_owned()
}

async fn show(tenant: &TestTenant, document: &str) -> Value {
    tenant.get(&format!("/v1/documents/{document}/enrichment")).await.expect(200)
}

/// A chapter long enough to be a passage of its own, with a word that stands nowhere else.
fn chapter(word: &str) -> String {
    let sentence = format!("The {word} of the machine runs at night and rests by day. ");
    format!("# {word}\n\n{}\n\n", sentence.repeat(14))
}

/// A document of three passages.
fn guide() -> String {
    ["pump", "valve", "motor"].map(chapter).concat()
}

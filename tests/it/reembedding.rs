//! Another embedding model for a collection: made beside the old vectors, compared, switched to and back; and that nothing of it
//! is ever seen by halves.

mod comparing;
mod dropping;
mod embedding;
mod limits;
mod rolling;
mod searching;
mod steering;

use std::sync::Arc;

use pidima::adapters::embeddings::{Embedder, EmbeddingError};
use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::knowledge::ReembedOutcome;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{ProbedEmbedder, Reply, TestApp, TestTenant, WordsEmbedder};

/// An application with the real model and a second one, both watched; the test runs the jobs.
struct Stage {
    app: TestApp,
    first: Arc<ProbedEmbedder>,
    second: Arc<ProbedEmbedder>,
    tenant: TestTenant,
    collection: String,
}

impl Stage {
    /// With an empty collection.
    async fn idle(settings: &[(&str, &str)]) -> Self {
        let second = ProbedEmbedder::around(Arc::new(WordsEmbedder));
        Self::between(settings, ProbedEmbedder::new().await, second).await
    }

    /// The same between two models of the test's own.
    async fn between(
        settings: &[(&str, &str)],
        first: Arc<ProbedEmbedder>,
        second: Arc<ProbedEmbedder>,
    ) -> Self {
        let outside = Outside {
            embedder: Arc::clone(&first) as Arc<_>,
            models: Arc::new(ExtractiveModel).into(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let beside: Arc<dyn Embedder> = second.clone();
        let app = TestApp::start_between(listener, settings, outside, beside).await;
        let tenant = app.tenant("acme").await;
        let made = tenant.post("/v1/collections", &json!({ "name": "guide" })).await.expect(201);
        let collection = made["id"].as_str().unwrap().to_owned();
        Self { app, first, second, tenant, collection }
    }

    /// The same with a worker that goes on by itself.
    async fn working(settings: &[(&str, &str)]) -> Self {
        let stage = Self::idle(settings).await;
        stage.app.start_worker();
        stage
    }

    /// Brings a document into search, with the worker of the test.
    async fn learn(&self, name: &str, text: &str) -> String {
        let id = self.upload(&self.collection, name, text).await;
        self.run().await;
        assert_eq!(self.tenant.settled(&id).await["state"], "ready");
        id
    }

    async fn upload(&self, collection: &str, name: &str, text: &str) -> String {
        let file = Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
        let form = Form::new().part("file", file).text("collection_id", collection.to_owned());
        let request = self.tenant.request(Method::POST, "/v1/documents").multipart(form);
        let document = self.tenant.send(request).await.expect(202);
        document["id"].as_str().unwrap().to_owned()
    }

    /// Does all work that waits.
    async fn run(&self) {
        self.app.app.worker.run_until_idle().await.unwrap();
    }

    fn path(&self) -> String {
        format!("/v1/collections/{}/reembeddings", self.collection)
    }

    /// Asks for the second model; the id.
    async fn begin(&self) -> String {
        let body = json!({ "embedding_model": WordsEmbedder::MODEL });
        let begun = self.tenant.post(&self.path(), &body).await.expect(202);
        begun["id"].as_str().unwrap().to_owned()
    }

    async fn show(&self, id: &str) -> Value {
        self.tenant.get(&format!("{}/{id}", self.path())).await.expect(200)
    }

    async fn steer(&self, id: &str, verb: &str) -> Reply {
        let path = format!("{}/{id}/{verb}", self.path());
        self.tenant.send(self.tenant.request(Method::POST, &path)).await
    }

    /// Asks for the second model and does the work; the id of what is ready.
    async fn ready(&self) -> String {
        let id = self.begin().await;
        self.run().await;
        assert_eq!(self.show(&id).await["state"], "ready", "{}", self.show(&id).await);
        id
    }

    /// The same, switched to.
    async fn switched(&self) -> String {
        let id = self.ready().await;
        assert_eq!(self.steer(&id, "switch").await.expect(200)["state"], "switched");
        id
    }

    /// One slice of work by another worker than that of the application.
    async fn work(&self, id: &str) -> ReembedOutcome {
        self.work_until(id, &CancellationToken::new()).await
    }

    /// The same by one that may be asked to stop.
    async fn work_until(&self, id: &str, stop: &CancellationToken) -> ReembedOutcome {
        let (reembeddings, id) =
            (&self.app.app.services.reembeddings, Uuid::parse_str(id).unwrap());
        reembeddings.work(self.tenant.id, id, stop).await.unwrap()
    }

    /// What a search of the collection finds, and with which similarity, explained.
    async fn search(&self, query: &str) -> Vec<(String, Option<f64>)> {
        let body = json!({
            "query": query, "collection_ids": [self.collection], "limit": 10, "explain": true
        });
        let found = self.tenant.post("/v1/search", &body).await.expect(200);
        let hits = found["items"].as_array().unwrap().iter();
        hits.map(|hit| {
            let similarity = hit["explanation"]["similarity"].as_f64();
            (hit["document_name"].as_str().unwrap().to_owned(), similarity)
        })
        .collect()
    }

    /// Vectors of the collection: of the first model, of others.
    async fn vectors(&self) -> (i64, i64) {
        let count = "select
            (select count(*) from app.chunk_windows where collection_id = $1),
            (select count(*) from app.reembedded_windows where collection_id = $1)";
        let id = Uuid::parse_str(&self.collection).unwrap();
        sqlx::query_as(count).bind(id).fetch_one(&self.app.database.admin()).await.unwrap()
    }

    async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.app.database.admin()).await.unwrap();
    }

    /// Lets time go by until vectors that wait for their removal are due, and does that.
    async fn after_the_keeping(&self) {
        self.sql("update app.reembeddings set drop_at = now() where drop_at is not null").await;
        self.sweep().await;
    }

    /// Looks for re-embeddings that wait, whenever they were touched, and does their work.
    async fn sweep(&self) {
        self.sql("update app.reembeddings set touched_at = now() - interval '1 day'").await;
        self.sweep_now().await;
    }

    /// Looks for those that wait by the times at which they were touched, and does their work.
    async fn sweep_now(&self) {
        let never = CancellationToken::new();
        self.app.app.services.reembeddings.sweep(&never).await.unwrap();
        self.run().await;
    }
}

/// Texts about so many things, each of some passages.
fn guide(words: &[&str]) -> String {
    words.iter().fold("# Guide\n".to_owned(), |text, word| {
        let sentence = format!("The {word} of the machine is explained here, {word} by {word}. ");
        format!("{text}\n## About {word}\n\n{}\n", sentence.repeat(20))
    })
}

/// Counts of collections and versions that differ from the rows counted.
async fn wrong_counts(app: &TestApp) -> Vec<Value> {
    let differing = "select to_jsonb(x) from (
            select k.name, k.window_count,
                (select count(*) from app.chunk_windows w where w.collection_id = k.collection_id) as windows,
                (select coalesce(sum(v.window_count), 0) from app.document_versions v
                    join app.documents d on d.active_version_id = v.version_id
                    where d.collection_id = k.collection_id) as of_versions
            from app.collections k
        ) x
        where (window_count, window_count) is distinct from (windows, of_versions)";
    sqlx::query_scalar(differing).fetch_all(&app.database.admin()).await.unwrap()
}

/// A model that can not be reached for the moment.
fn busy() -> EmbeddingError {
    EmbeddingError::Unavailable { model: "words".to_owned(), reason: "busy".to_owned() }
}

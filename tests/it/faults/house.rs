//! What a cell stands on: a database, a bucket, an embedding model, a queue that delivers everything twice; and two documents
//! that are in search already.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::embeddings::remote::{OpenAiEmbeddings, RemoteEmbedder, RemoteSettings};
use pidima::adapters::models::failover::RetrySettings;
use pidima::adapters::models::{ExtractiveModel, OpenAiServer};
use pidima::app::Outside;
use poem::listener::TcpAcceptor;
use poem::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

use super::stands::write_reader;
use crate::aws::StandIn;
use crate::aws::proxy::FaultProxy;
use crate::support::{RedisProxy, TestApp, TestTenant};

/// How long a worker is trusted without a sign, and a message is out of sight.
pub const LEASE: Duration = Duration::from_secs(2);
/// After that the server ends a transaction in which nothing happens. Thirty seconds where it counts.
const IDLE_TRANSACTION: &str = "3s";
/// Tries of one request, by the adapters of S3 and of embeddings.
pub const TRIES: usize = 2;

/// As long as all of it may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is an hour for messages that are silent.
const AN_HOUR: Duration = Duration::from_secs(3);

const DIMENSIONS: usize = 8;
/// The document that gets a new version under the fault.
pub const GUIDE: &str = "guide.md";
/// The document that is deleted meanwhile.
const SPARE: &str = "spare.md";

pub struct House {
    /// An instance that nothing happens to.
    pub app: TestApp,
    pub tenant: TestTenant,
    pub admin: PgPool,
    /// In front of S3.
    pub store: FaultProxy,
    /// In front of the embedding model.
    pub embeddings: FaultProxy,
    /// In front of PostgreSQL, for the first carrier alone.
    pub line: RedisProxy,
    /// Logs, and the program that reads files.
    pub folder: PathBuf,
    pub bucket: String,
    settings: Vec<(&'static str, String)>,
}

impl House {
    /// With the first version of the guide in search, the other document deleted, and its original still to be removed.
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("pidima-faults-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let stand_in = StandIn::shared().await;
        let bucket = stand_in.bucket().await;
        let store = FaultProxy::before(stand_in.address()).await;
        let embeddings = FaultProxy::before(&embedding_server().await).await;
        let mut settings = StandIn::objects_settings(&store.url, &bucket);
        let reader = write_reader(&folder).to_string_lossy().into_owned();
        settings.extend([
            ("PIDIMA_OBJECTS_S3_TIMEOUT_MS", "30000".to_owned()),
            ("PIDIMA_OBJECTS_S3_TRIES", TRIES.to_string()),
            ("PIDIMA_EMBEDDING_PROVIDER", "openai".to_owned()),
            ("PIDIMA_EMBEDDING_MODEL", "bge".to_owned()),
            ("PIDIMA_EMBEDDING_DIMENSIONS", DIMENSIONS.to_string()),
            ("PIDIMA_EMBEDDING_BASE_URL", format!("{}/v1", embeddings.url)),
            ("PIDIMA_EMBEDDING_TRIES", TRIES.to_string()),
            ("PIDIMA_INGESTION_LEASE_MS", LEASE.as_millis().to_string()),
            ("PIDIMA_INGESTION_POLL_MS", "20".to_owned()),
            ("PIDIMA_PARSER_PROGRAM", reader),
            ("PIDIMA_DATABASE_POOL_SIZE", "6".to_owned()),
        ]);
        let pairs: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let embedder = Arc::new(embedder(&embeddings.url));
        let outside = Outside { embedder, models: Arc::new(ExtractiveModel).into() };
        let app = Box::pin(TestApp::start_idle(&pairs, outside)).await;
        // There is one tenant, and so no mark of another.
        app.watch.end();
        let tenant = app.tenant("acme").await;
        let admin = PgPoolOptions::new().max_connections(2);
        let admin = admin.connect(&app.database.admin_url()).await.unwrap();
        let line = RedisProxy::before(&app.database.app_url()).await;
        let house = Self { app, tenant, admin, store, embeddings, line, folder, bucket, settings };
        house.furnish().await;
        house
    }

    async fn furnish(&self) {
        self.tenant.upload(GUIDE, guide("one")).await.expect(202);
        let spare = self.tenant.upload(SPARE, "# Spare\n\nThe spare wheel hangs.\n").await;
        let spare = spare.expect(202)["id"].as_str().unwrap().to_owned();
        self.app.app.worker.run_until_idle().await.unwrap();
        assert_eq!(self.tenant.settled(&spare).await["state"], "ready");
        self.tenant.delete(&format!("/v1/documents/{spare}")).await.expect(204);
        self.embeddings.take();
    }

    /// From now on every message is in the queue twice.
    pub async fn deliver_twice(&self) {
        sqlx::raw_sql(
            "set role pidima_owner;
            create function app.twice() returns trigger language plpgsql as $$
                begin
                    insert into app.jobs (job_id, kind, for_tenant, subject_id)
                    values (gen_random_uuid(), new.kind, new.for_tenant, new.subject_id);
                    return null;
                end $$;
            create trigger twice after insert on app.jobs for each row
                when (pg_trigger_depth() = 0) execute function app.twice();
            revoke execute on function app.twice() from public;
            reset role",
        )
        .execute(&self.admin)
        .await
        .unwrap();
    }

    /// Settings of the first carrier, which reaches the database by a line of its own, or of the second one.
    pub fn settings(&self, is_first: bool) -> Vec<(String, String)> {
        let (url, name) = if is_first {
            (self.line.url.clone(), "first")
        } else {
            (self.app.database.app_url(), "second")
        };
        let idle = format!("options[idle_in_transaction_session_timeout]={IDLE_TRANSACTION}");
        let url = format!("{url}?options[pidima.carrier]={name}&{idle}");
        let mut settings: Vec<(String, String)> =
            self.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        settings.push(("DATABASE_URL".to_owned(), url));
        settings
    }

    /// The end of what the carriers logged.
    fn logs(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let all = format!("{}{}", read("first.log"), read("second.log"));
        let lines: Vec<&str> = all.lines().rev().take(40).collect();
        lines.join("\n")
    }

    /// Lets the time pass after which an original without a version is taken for left over.
    pub async fn uploads_are_over(&self) {
        sqlx::raw_sql(
            "update app.pending_originals set created_at = created_at - interval '1 day'",
        )
        .execute(&self.admin)
        .await
        .unwrap();
    }

    /// Lets the time pass after which a message that is silent is taken for lost.
    async fn silence_is_over(&self) {
        sqlx::raw_sql("update app.outbox set lost_at = now() where handed_at is not null")
            .execute(&self.admin)
            .await
            .unwrap();
    }

    /// Waits until the new version is at its end and line and queue hold nothing. What is silent meanwhile is taken for lost
    /// again and again, as if hours went by.
    pub async fn all_done(&self) {
        let done = "select count(*) = 2 and bool_and(ended_at is not null)
                and not exists (select from app.outbox) and not exists (select from app.jobs)
            from app.document_versions";
        let began = Instant::now();
        let mut hours = 0;
        while !sqlx::query_scalar::<_, bool>(done).fetch_one(&self.admin).await.unwrap() {
            assert!(began.elapsed() < PATIENCE, "the work is never done: {}", self.logs());
            if began.elapsed() > AN_HOUR * hours {
                hours += 1;
                self.silence_is_over().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _left_to_the_system = fs::remove_dir_all(&self.folder);
    }
}

/// A guide of so many passages that they are embedded in three batches. Another word makes another text everywhere.
pub fn guide(word: &str) -> String {
    (0..66).fold("# Guide\n".to_owned(), |text, section| {
        let sentence =
            format!("Part {section} of machine {word} is explained here and oiled at night. ");
        format!("{text}\n## About part {section}\n\n{}\n", sentence.repeat(20))
    })
}

/// A server of OpenAI's protocol whose vectors depend on their texts alone.
async fn embedding_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = poem::endpoint::make(|request: Request| async move {
        let bytes = request.into_body().into_bytes().await?;
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let texts = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        let items = texts.enumerate().map(|(index, text)| {
            let vector: Vec<f32> = Sha256::digest(text)[..DIMENSIONS]
                .iter()
                .map(|byte| f32::from(*byte) / 256.0 + 0.01)
                .collect();
            json!({ "index": index, "embedding": vector })
        });
        let body = json!({ "data": items.collect::<Vec<_>>() }).to_string();
        Ok::<_, poem::Error>(Response::builder().content_type("application/json").body(body))
    });
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
    url
}

/// The model as the settings name it.
fn embedder(url: &str) -> RemoteEmbedder<OpenAiEmbeddings> {
    let (url, kind) = (format!("{url}/v1"), OpenAiServer::Compatible);
    let calls = OpenAiEmbeddings::new(&kind, &url, None.into(), "bge", DIMENSIONS).unwrap();
    let settings = RemoteSettings {
        dimensions: DIMENSIONS,
        batch: 64,
        concurrency: 2,
        timeout: Duration::from_secs(30),
        retry: RetrySettings {
            tries: 2,
            base: Duration::from_millis(5),
            cap: Duration::from_millis(200),
            budget_percent: 0,
            burst: 0,
        },
    };
    RemoteEmbedder::new(calls, settings)
}

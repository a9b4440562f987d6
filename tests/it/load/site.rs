//! API, worker and PostgreSQL as processes, as in production but on one machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use pidima::devservices::{Services, ServicesOptions};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::support::eventually;
use crate::support::process::{Running, appended, free_port, printed};
use crate::support::program::program;

const APP_PASSWORD: &str = "app-password-of-the-tests";

pub struct Site {
    folder: PathBuf,
    services: Option<Services>,
    admin: PgPool,
    settings: Vec<(String, String)>,
    url: String,
    api: Running,
    worker: Option<Running>,
    http: reqwest::Client,
}

impl Site {
    /// With the API alone.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with settings of the test's own.
    pub async fn start_with(own: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("pidima-load-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        println!("measured: {}", program().display());
        let options = ServicesOptions { data: Some(folder.join("data")), valkey: false };
        let services = Services::spawn(&program(), options).await.unwrap();
        let postgres = services.info().postgres.clone();
        let mut migrate = Command::new(program());
        migrate.args(["migrate", "--admin-url", &postgres.url]);
        printed(migrate.env("PIDIMA_APP_PASSWORD", APP_PASSWORD));
        let admin = PgPoolOptions::new().max_connections(2).connect(&postgres.url).await.unwrap();
        let database =
            format!("postgres://pidima_app:{APP_PASSWORD}@127.0.0.1:{}/postgres", postgres.port);
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut settings = vec![
            ("DATABASE_URL".to_owned(), database),
            (
                "PIDIMA_OBJECTS_DIR".to_owned(),
                folder.join("objects").to_string_lossy().into_owned(),
            ),
            ("PIDIMA_LISTEN".to_owned(), format!("127.0.0.1:{port}")),
            // The program that is tried reads the files too, and a slow file is told early.
            ("PIDIMA_PARSER_TIMEOUT_MS".to_owned(), "20000".to_owned()),
        ];
        for limit in ["ADDRESS", "TENANT", "CALLER", "ASK", "UPLOAD"] {
            for form in ["PER_MINUTE", "BURST"] {
                settings.push((format!("PIDIMA_LIMIT_{limit}_{form}"), "1000000".to_owned()));
            }
        }
        settings.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let api = spawn(&settings, &folder, "api", &["serve", "--without-worker"]);
        let http = reqwest::Client::new();
        let ready = format!("{url}/readyz");
        eventually("the API is ready", || async {
            http.get(&ready).send().await.is_ok_and(|reply| reply.status().is_success())
        })
        .await;
        let services = Some(services);
        Self { folder, services, admin, settings, url, api, worker: None, http }
    }

    /// The worker's process id.
    pub fn start_worker(&mut self) -> u32 {
        let worker = spawn(&self.settings, &self.folder, "worker", &["worker"]);
        let id = worker.id();
        self.worker = Some(worker);
        id
    }

    pub fn stop_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill();
        }
    }

    /// Whether the worker that was started lives.
    pub fn is_working(&mut self) -> bool {
        self.worker.as_mut().is_some_and(Running::is_alive)
    }

    /// Key of a new tenant.
    pub fn tenant(&self, slug: &str) -> String {
        let mut command = Command::new(program());
        command.args(["tenant", "create", slug]).envs(self.settings.iter().cloned());
        printed(command.current_dir(&self.folder))
    }

    pub async fn upload(&self, key: &str, name: &str, bytes: Vec<u8>) -> StatusCode {
        let file = Part::bytes(bytes).file_name(name.to_owned());
        let form = Form::new().part("file", file);
        let request = self.http.post(format!("{}/v1/documents", self.url));
        request.bearer_auth(key).multipart(form).send().await.unwrap().status()
    }

    pub async fn ask(&self, key: &str, question: &str) {
        let request = self.http.post(format!("{}/v1/answers", self.url)).bearer_auth(key);
        let reply = request.json(&json!({ "question": question })).send().await.unwrap();
        assert!(reply.status().is_success(), "{}", reply.text().await.unwrap());
        reply.bytes().await.unwrap();
    }

    /// Whether the line holds anything.
    pub async fn is_busy(&self) -> bool {
        sqlx::query_scalar("select exists (select from app.outbox)")
            .fetch_one(&self.admin)
            .await
            .unwrap()
    }

    pub async fn until_idle(&self) {
        eventually("all work is done", || async { !self.is_busy().await }).await;
    }

    /// The same where there is work for longer than other tests take.
    pub async fn until_idle_within(&self, patience: Duration) {
        let began = Instant::now();
        while self.is_busy().await {
            assert!(began.elapsed() < patience, "the worker does not come to an end");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the documents of a tenant took that are in search.
    pub async fn stages(&self, slug: &str) -> Stages {
        let sums = "select
                count(*),
                sum(a.parse_ms),
                sum(a.chunk_ms),
                sum(a.embed_ms),
                sum(a.index_ms)
            from app.ingestion_attempts a
            join app.tenant_directory d on d.id = a.tenant_id
            where d.slug = $1 and a.stage = 'ready'";
        let (documents, parse_ms, chunk_ms, embed_ms, index_ms) =
            sqlx::query_as(sums).bind(slug).fetch_one(&self.admin).await.unwrap();
        let counts = "select count(*), count(distinct c.embedded_sha256)
            from app.chunks c
            join app.tenant_directory d on d.id = c.tenant_id
            where d.slug = $1";
        let (chunks, embedded) =
            sqlx::query_as(counts).bind(slug).fetch_one(&self.admin).await.unwrap();
        Stages { documents, parse_ms, chunk_ms, embed_ms, index_ms, chunks, embedded }
    }

    /// Each document of a tenant that is not in search, with the reason.
    pub async fn failures(&self, slug: &str) -> Vec<String> {
        let failures = "select concat_ws(': ', c.name, v.failure_code, v.failure_detail)
            from app.document_versions v
            join app.documents c on c.tenant_id = v.tenant_id and c.document_id = v.document_id
            join app.tenant_directory d on d.id = v.tenant_id
            where d.slug = $1 and v.state <> 'ready'
            order by 1";
        sqlx::query_scalar(failures).bind(slug).fetch_all(&self.admin).await.unwrap()
    }

    /// Texts of a tenant's passages as the model is given them, at most so many.
    pub async fn passages(&self, slug: &str, most: usize) -> Vec<String> {
        let passages = "select concat_ws(E'\n', array_to_string(c.heading_path, ' > '), c.body)
            from app.chunks c
            join app.tenant_directory d on d.id = c.tenant_id
            where d.slug = $1
            order by c.version_id, c.ordinal
            limit $2";
        let most = i64::try_from(most).unwrap();
        sqlx::query_scalar(passages).bind(slug).bind(most).fetch_all(&self.admin).await.unwrap()
    }

    /// Versions of a tenant that are in search.
    pub async fn ready(&self, slug: &str) -> i64 {
        let count = "select count(*)
            from app.document_versions v
            join app.tenant_directory d on d.id = v.tenant_id
            where d.slug = $1 and v.state = 'ready'";
        sqlx::query_scalar(count).bind(slug).fetch_one(&self.admin).await.unwrap()
    }

    /// In what the versions of a tenant ended, and how often.
    pub async fn ends(&self, slug: &str) -> String {
        let ends = "select coalesce(string_agg(concat_ws(' ', n, e), ', ' order by n desc), '')
            from (
                select count(*) as n, coalesce(v.failure_code, v.state) as e
                from app.document_versions v
                join app.tenant_directory d on d.id = v.tenant_id
                where d.slug = $1
                group by e
            ) x";
        sqlx::query_scalar(ends).bind(slug).fetch_one(&self.admin).await.unwrap()
    }

    pub async fn stop(mut self) {
        self.api.kill();
        self.stop_worker();
        self.admin.close().await;
        if let Some(services) = self.services.take() {
            services.stop().await.unwrap();
        }
        let _left_to_the_system = fs::remove_dir_all(&self.folder);
    }
}

/// What documents took, stage by stage.
pub struct Stages {
    documents: i64,
    parse_ms: i64,
    chunk_ms: i64,
    pub embed_ms: i64,
    pub index_ms: i64,
    chunks: i64,
    /// Passages of different texts: each is embedded once.
    embedded: i64,
}

impl Stages {
    pub fn embedded_per_second(&self) -> f64 {
        self.embedded as f64 * 1e3 / self.embed_ms as f64
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |ms: i64| self.documents as f64 * 1e3 / ms.max(1) as f64;
        write!(
            f,
            "documents a second, one after the other: read {:.0}, chunk {:.0}, embed {:.1} ({:.0} passages/s), index {:.0}; {} passages, {} of them different",
            rate(self.parse_ms),
            rate(self.chunk_ms),
            rate(self.embed_ms),
            self.embedded_per_second(),
            rate(self.index_ms),
            self.chunks,
            self.embedded,
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.api.kill();
        self.stop_worker();
    }
}

/// Each leads a session, as what a service manager starts does.
fn spawn(settings: &[(String, String)], folder: &Path, name: &str, arguments: &[&str]) -> Running {
    let mut command = Command::new("setsid");
    command.arg(program()).args(arguments).envs(settings.iter().cloned()).current_dir(folder);
    Running::start_logged(&mut command, appended(&folder.join(format!("{name}.log"))))
}

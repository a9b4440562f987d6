//! The real application on a port of its own, with its worker, and clients for its tenants.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use pidima::adapters::embeddings::Embedder;
use pidima::adapters::models::{ChatModel, ExtractiveModel, ModelRegistry};
use pidima::app::{App, Outside};
use pidima::config::{Config, Env};
use pidima::db::Db;
use pidima::db::audit::{AuditActor, AuditEntry};
use pidima::identity::{
    Accounts, Actor, BrowserCookie, Credential, Identity, KeyKind, LOCAL, LoginFacts, Member,
    NewInvitation, NewLocalMember, Principal, RequestOrigin, Role, begin_browser_session,
    create_local_member, create_operator_key, invite_member,
};
use pidima::kernel::ids::{TenantId, new_id};
use pidima::server;
use pidima::tenancy::create_tenant;
use reqwest::header::COOKIE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EventReader, TestDatabase, Watch, WordsEmbedder, minilm, services};

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(120);

/// Signs widget tokens in the tests.
pub const SIGNING_SECRET: &str = "the secret of the tests, 32 bytes or more";

/// The application, served.
pub struct TestApp {
    pub app: Box<App>,
    pub database: TestDatabase,
    pub url: String,
    /// Folder of the originals.
    pub objects: PathBuf,
    /// Keeps what goes in and out, and looks through it at the end.
    pub watch: Watch,
    stop: CancellationToken,
}

/// A tenant with a key of the role owner, or a person of it with a login in a browser.
#[derive(Clone)]
pub struct TestTenant {
    pub id: TenantId,
    pub key: String,
    pub accounts: Accounts,
    /// The person; absent for a key.
    pub member_id: Option<Uuid>,
    cookie: Option<String>,
    db: Db,
    pub url: String,
    http: reqwest::Client,
}

/// A response, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body of a reply that must have this status.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }
}

impl TestApp {
    /// The application with default settings and the extractive model.
    pub async fn start() -> Self {
        Self::start_with(&[], Arc::new(ExtractiveModel)).await
    }

    /// The application with settings and a model of the test's own.
    pub async fn start_with(settings: &[(&str, &str)], model: Arc<dyn ChatModel>) -> Self {
        let embedder = Arc::new(minilm().await);
        Self::start_outside(settings, Outside { embedder, models: ModelRegistry::plain(model) })
            .await
    }

    /// The application with settings and outside services of the test's own.
    pub async fn start_outside(settings: &[(&str, &str)], outside: Outside) -> Self {
        let started = Box::pin(Self::start_idle(settings, outside)).await;
        started.start_worker();
        started
    }

    /// The same without a worker: the test itself runs the jobs.
    pub async fn start_idle(settings: &[(&str, &str)], outside: Outside) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_at(listener, settings, outside).await
    }

    /// The same at an address that the test chose, since a setting or an issuer must know it.
    pub async fn start_at(
        listener: TcpListener,
        settings: &[(&str, &str)],
        outside: Outside,
    ) -> Self {
        Self::start_between(listener, settings, outside, Arc::new(WordsEmbedder)).await
    }

    /// The same with a second embedder of the test's own, for collections that are re-embedded.
    pub async fn start_between(
        listener: TcpListener,
        settings: &[(&str, &str)],
        outside: Outside,
        second: Arc<dyn Embedder>,
    ) -> Self {
        let database = TestDatabase::create().await;
        let objects = std::env::temp_dir().join(format!("pidima-objects-{}", uuid::Uuid::new_v4()));
        let mut pairs = vec![
            ("DATABASE_URL".to_owned(), database.app_url()),
            ("PIDIMA_DATABASE_POOL_SIZE".to_owned(), "8".to_owned()),
            // A scripted model answers whatever it is asked.
            ("PIDIMA_CHAT_MIN_EVIDENCE".to_owned(), "0".to_owned()),
            // Tests of passwords try more often than people do.
            ("PIDIMA_LIMIT_LOGIN_BURST".to_owned(), "100000".to_owned()),
            ("PIDIMA_LIMIT_PASSWORD_HASHING_BURST".to_owned(), "100000".to_owned()),
            // And search again and again while something else goes on.
            ("PIDIMA_LIMIT_SEARCH_BURST".to_owned(), "100000".to_owned()),
            ("PIDIMA_INGESTION_POLL_MS".to_owned(), "20".to_owned()),
            // The program that runs is the tests.
            ("PIDIMA_PARSER_PROGRAM".to_owned(), env!("CARGO_BIN_EXE_pidima").to_owned()),
            ("PIDIMA_OBJECTS_DIR".to_owned(), objects.to_string_lossy().into_owned()),
            ("PIDIMA_SIGNING_SECRET".to_owned(), SIGNING_SECRET.to_owned()),
            // What can not be told is given up at once, so that the queue is empty soon.
            ("PIDIMA_WEBHOOK_MAX_ATTEMPTS".to_owned(), "1".to_owned()),
            ("PIDIMA_WEBHOOK_MAX_FAILURES".to_owned(), "100000".to_owned()),
            // Each operation is tried with things of its own.
            ("PIDIMA_MAX_WEBHOOKS".to_owned(), "1000".to_owned()),
            ("PIDIMA_LARGE_UPLOAD_MAX_OPEN".to_owned(), "1000".to_owned()),
            ("PIDIMA_MAX_SOURCES".to_owned(), "1000".to_owned()),
            ("PIDIMA_MAX_DUMPS".to_owned(), "1000".to_owned()),
            ("PIDIMA_DUMP_MAX_RESTORES".to_owned(), "1000".to_owned()),
            ("PIDIMA_DUMP_CONCURRENCY".to_owned(), "16".to_owned()),
            // The sites of the tests bear to be asked without a pause.
            ("PIDIMA_SOURCE_DELAY_MS".to_owned(), "0".to_owned()),
            ("PIDIMA_SOURCE_RETRY_MS".to_owned(), "1".to_owned()),
        ];
        pairs.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let redis = pairs.iter().any(|(key, _)| key == "PIDIMA_REDIS_URL");
        let redis = redis.then(|| services().valkey).flatten();
        let watch = Watch::new(database.admin_url(), objects.clone(), redis);
        let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
        let app = Box::new(watch.build_between(&config, outside, second));
        let stop = CancellationToken::new();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let times = watch.times(&app);
        let endpoint = watch.endpoint(&app);
        tokio::spawn(server::serve(listener, endpoint, times, stop.clone()));
        Self { app, database, url, objects, watch, stop }
    }

    /// Starts the worker.
    pub fn start_worker(&self) {
        tokio::spawn(self.app.worker.clone().run(self.stop.clone()));
    }

    /// A new key of the operator.
    pub async fn operator_key(&self) -> String {
        let mut tx = self.app.services.db.system().await.unwrap();
        let key = create_operator_key(&mut tx, "the operator", 30).await.unwrap();
        tx.commit().await.unwrap();
        key.expose()
    }

    /// A new tenant with a key of the role owner.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        let created = create_tenant(&self.app.services.db, slug, slug).await.unwrap();
        created.tx.commit().await.unwrap();
        let credential = Credential::generate(KeyKind::Secret, created.tenant, new_id());
        self.store_key(&credential).await;
        TestTenant {
            id: created.tenant,
            accounts: self.app.services.accounts.clone(),
            key: credential.expose(),
            member_id: None,
            cookie: None,
            db: self.app.services.db.clone(),
            url: self.url.clone(),
            http: reqwest::Client::new(),
        }
    }
}

impl TestApp {
    /// Stores a key of the role owner behind the service's back: the audit log of a tenant of the tests begins empty.
    async fn store_key(&self, credential: &Credential) {
        let scopes: Vec<String> = Role::Owner.scopes().iter().map(ToString::to_string).collect();
        let statement = "insert into app.api_keys
            (tenant_id, api_key_id, name, role, scopes, secret_sha256, hint, expires_at)
            values ($1, $2, 'tests', 'owner', $3, $4, $5, now() + interval '365 days')";
        sqlx::query(statement)
            .bind(credential.tenant.uuid())
            .bind(credential.api_key_id)
            .bind(scopes)
            .bind(credential.secret_sha256().to_vec())
            .bind(credential.hint())
            .execute(&self.database.admin())
            .await
            .unwrap();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
        self.watch.finish();
    }
}

impl TestTenant {
    /// The same tenant with another credential.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), member_id: None, cookie: None, ..self.clone() }
    }

    /// The same tenant at a server with another address.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// A client with a new key of a role.
    pub async fn with_role(&self, role: &str) -> Self {
        let body = json!({ "name": role, "role": role });
        let created = self.post("/v1/api_keys", &body).await.expect(201);
        self.with_key(created["secret"].as_str().unwrap())
    }

    /// A new person with a local account: the id of the member.
    pub async fn local_member(&self, email: &str, role: Role, password: Option<&str>) -> String {
        let mut tx = self.db.tenant(self.id).await.unwrap();
        let new = NewLocalMember {
            email: email.to_owned(),
            display_name: None,
            role,
            password: password.map(|text| text.to_owned().into()),
        };
        let entry = AuditEntry::new(AuditActor::system("tests"), "member.created");
        let passwords = self.accounts.passwords();
        let created = create_local_member(&mut tx, passwords, new, entry).await.unwrap();
        tx.commit().await.unwrap();
        created.member.member_id.to_string()
    }

    /// A message of the tenant that was set aside: its id.
    pub async fn dead_letter(&self) -> String {
        let id = new_id();
        let mut tx = self.db.system().await.unwrap();
        sqlx::query(
            "insert into jobs (job_id, kind, for_tenant, subject_id, receives, dead_at)
            values ($1, 'remove_original', $2, $1, 21, now())",
        )
        .bind(id)
        .bind(self.id.uuid())
        .execute(tx.connection())
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id.to_string()
    }

    /// The text of a new invitation to the role member.
    pub async fn invite(&self, email: &str) -> String {
        let actor = Actor {
            tenant: self.id,
            principal: Principal::Member { member_id: Uuid::now_v7(), browser_session_id: None },
            name: "tests".to_owned(),
            role: Role::Owner,
            scopes: Role::Owner.scopes(),
            allowed_origins: Vec::new(),
            request: RequestOrigin::default(),
        };
        let (email, group_ids) = (email.to_owned(), Vec::new());
        let new = NewInvitation { email, role: Role::Member, group_ids, expires_at: None };
        let mut tx = self.db.tenant(self.id).await.unwrap();
        let created = invite_member(&mut tx, &actor, new, 1_000).await.unwrap();
        tx.commit().await.unwrap();
        created.link.expose()
    }

    /// A new person of the tenant, logged in with a browser.
    pub async fn as_member(&self, role: &str) -> Self {
        let member_id = new_id();
        let member = Member {
            member_id,
            provider: LOCAL.to_owned(),
            identity: Identity { issuer: LOCAL.to_owned(), subject: member_id.to_string() },
            email: Some(format!("{}@example.com", member_id.simple())),
            display_name: Some(format!("{role} of the tests")),
            role: role.parse().unwrap(),
            state: "active".to_owned(),
            created_at: Utc::now(),
            last_seen_at: None,
        };
        let facts = LoginFacts { lifetime: Duration::from_secs(3_600), ..LoginFacts::default() };
        let mut tx = self.db.tenant(self.id).await.unwrap();
        tx.insert_member(&member).await.unwrap();
        let cookie = begin_browser_session(&mut tx, &member, &facts).await.unwrap();
        tx.commit().await.unwrap();
        Self { member_id: Some(member_id), cookie: Some(cookie.expose()), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.cookie {
            Some(cookie) => request
                .header(COOKIE, format!("{}={cookie}", BrowserCookie::NAME))
                .header("sec-fetch-site", "same-origin"),
            None => request.bearer_auth(&self.key),
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// Sends a request that is built already.
    pub async fn execute(&self, request: reqwest::Request) -> Reply {
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str) -> Reply {
        self.send(self.request(Method::PUT, path)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Uploads bytes under a name into the default collection.
    pub async fn upload(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Reply {
        let file = Part::bytes(bytes.into()).file_name(name.to_owned());
        let form = Form::new().part("file", file);
        self.send(self.request(Method::POST, "/v1/documents").multipart(form)).await
    }

    /// Uploads a text and waits until it is in search; the document.
    pub async fn learn(&self, name: &str, text: &str) -> Value {
        let reply = self.upload(name, text).await;
        assert!(reply.status.is_success(), "{}", reply.text());
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let document = self.settled(&id).await;
        assert_eq!(document["state"], "ready", "{document}");
        document
    }

    /// The document once its newest version is ready or failed.
    pub async fn settled(&self, document_id: &str) -> Value {
        let began = Instant::now();
        loop {
            let document = self.get(&format!("/v1/documents/{document_id}")).await.expect(200);
            if matches!(document["state"].as_str(), Some("ready" | "failed" | "cancelled")) {
                return document;
            }
            assert!(began.elapsed() < PATIENCE, "still {}", document["state"]);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The whole answer to a question.
    pub async fn ask(&self, question: &str) -> Value {
        self.post("/v1/answers", &json!({ "question": question })).await.expect(200)
    }

    /// The stream that answers a question, read event by event.
    pub async fn follow(&self, path: &str, body: &Value) -> EventReader {
        let request =
            self.request(Method::POST, path).json(body).header("accept", "text/event-stream");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        EventReader::new(response)
    }

    /// Events of the stream that answers a question: id, name, data.
    pub async fn stream(&self, path: &str, body: &Value) -> Vec<(String, String, Value)> {
        let request =
            self.request(Method::POST, path).json(body).header("accept", "text/event-stream");
        let reply = self.send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let field = |block: &str, name: &str| {
            let prefix = format!("{name}: ");
            let line = block.lines().find_map(|line| line.strip_prefix(&prefix));
            line.unwrap_or_default().to_owned()
        };
        let text = reply.text();
        text.split("\n\n")
            .filter(|block| block.contains("event: "))
            .map(|block| {
                let data = serde_json::from_str(&field(block, "data")).unwrap();
                (field(block, "id"), field(block, "event"), data)
            })
            .collect()
    }
}

//! The program as processes of its own: the API, the worker, on a database of one test.

use std::fs::{self, File};
use std::io::PipeReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::database::{TestDatabase, services};
use super::process::{Running, free_port, printed};

/// Loading the embedding model, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where processes write, and what they read.
pub struct House {
    folder: PathBuf,
    database: TestDatabase,
}

/// A process that runs until this is dropped.
pub struct Process {
    running: Running,
    pub url: String,
    pub ops: String,
    folder: PathBuf,
    name: String,
    _unread: Option<PipeReader>,
}

impl House {
    pub async fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("pidima-processes-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, database: TestDatabase::create().await }
    }

    fn command(&self, args: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(&self.folder)
            .env("DATABASE_URL", self.database.app_url())
            .env("PIDIMA_ENV_FILE", "/dev/null")
            .env("PIDIMA_OBJECTS_DIR", self.folder.join("objects"))
            .env("PIDIMA_INGESTION_POLL_MS", "20")
            .env("PIDIMA_LOG_FORMAT", "json")
            .env("PIDIMA_OTLP_INTERVAL_MS", "20")
            .envs(
                ["ADDRESS", "TENANT", "CALLER"]
                    .map(|limit| (format!("PIDIMA_LIMIT_{limit}_BURST"), "1000000")),
            )
            .envs(settings.iter().copied())
            .stdin(Stdio::null());
        // What is empty stands somewhere else.
        for (name, _) in settings.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(name);
        }
        command
    }

    /// Where its processes run.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Connection string of the service's role.
    pub fn app_url(&self) -> String {
        self.database.app_url()
    }

    /// A pool of the superuser.
    pub fn admin(&self) -> sqlx::PgPool {
        self.database.admin()
    }

    /// A new tenant: its key.
    pub fn tenant(&self, slug: &str) -> String {
        printed(&mut self.command(&["tenant", "create", slug], &[]))
    }

    /// What a command writes to its standard output.
    pub fn run(&self, args: &[&str], settings: &[(&str, &str)]) -> String {
        String::from_utf8(self.command(args, settings).output().unwrap().stdout).unwrap()
    }

    /// Starts a process whose log goes into a file.
    pub fn start(&self, name: &str, args: &[&str], settings: &[(&str, &str)]) -> Process {
        let file = |end: &str| File::create(self.folder.join(format!("{name}.{end}"))).unwrap();
        self.spawn(name, args, settings, file("log").into(), file("out").into())
    }

    /// Starts a process whose log and output go into one pipe that nobody reads.
    pub fn start_unread(&self, name: &str, args: &[&str], settings: &[(&str, &str)]) -> Process {
        let (unread, pipe) = std::io::pipe().unwrap();
        let log = pipe.try_clone().unwrap();
        let mut process = self.spawn(name, args, settings, log.into(), pipe.into());
        process._unread = Some(unread);
        process
    }

    fn spawn(
        &self,
        name: &str,
        args: &[&str],
        settings: &[(&str, &str)],
        log: Stdio,
        out: Stdio,
    ) -> Process {
        let free_address = || format!("127.0.0.1:{}", free_port());
        let (api, ops) = (free_address(), free_address());
        let mut command = self.command(args, settings);
        command.env("PIDIMA_LISTEN", &api).env("PIDIMA_OPS_LISTEN", &ops);
        Process {
            running: Running::start(&mut command, out, log),
            url: format!("http://{api}"),
            ops: format!("http://{ops}"),
            folder: self.folder.clone(),
            name: name.to_owned(),
            _unread: None,
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _left_to_the_system = fs::remove_dir_all(&self.folder);
    }
}

impl Process {
    /// Waits until requests are answered.
    pub async fn ready(self) -> Self {
        self.until(&format!("{}/healthz", self.url)).await;
        self
    }

    /// Waits until metrics are told, as a worker has nothing else.
    pub async fn working(self) -> Self {
        self.until(&format!("{}/metrics", self.ops)).await;
        self
    }

    async fn until(&self, url: &str) {
        let began = Instant::now();
        while !http().get(url).send().await.is_ok_and(|reply| reply.status().is_success()) {
            assert!(began.elapsed() < PATIENCE, "{} does not start: {}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join(format!("{}.log", self.name))).unwrap_or_default()
    }

    pub fn out(&self) -> String {
        fs::read_to_string(self.folder.join(format!("{}.out", self.name))).unwrap()
    }

    /// What `/readyz` says of parts that are away.
    pub async fn degraded(&self) -> String {
        let reply = http().get(format!("{}/readyz", self.url)).send().await.unwrap();
        assert_eq!(reply.status(), 200, "questions are answered");
        reply.json::<Value>().await.unwrap()["degraded"].to_string()
    }

    pub async fn page(&self) -> String {
        let reply = http().get(format!("{}/metrics", self.ops)).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        reply.text().await.unwrap()
    }

    /// A sum of the page over all series of a family that hold a text.
    pub async fn figure(&self, family: &str, holding: &str) -> f64 {
        sum(&self.page().await, family, holding)
    }

    pub fn post(&self, path: &str, key: &str) -> RequestBuilder {
        http().post(format!("{}{path}", self.url)).bearer_auth(key)
    }

    pub fn upload(&self, key: &str, name: &str, text: &str) -> RequestBuilder {
        self.post("/v1/documents", key).multipart(upload_form(name, text))
    }

    /// Waits until a document can be searched.
    pub async fn until_ready(&self, key: &str, document_id: &str) {
        let began = Instant::now();
        let url = format!("{}/v1/documents/{document_id}", self.url);
        loop {
            let reply = http().get(&url).bearer_auth(key).send().await.unwrap();
            let document: Value = reply.json().await.unwrap();
            if document["state"] == "ready" {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{document}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks to stop and waits for the end, which must come within that time; what was written to stdout until then.
    pub async fn out_at_its_end(mut self, patience: Duration) -> String {
        self.stop_within(patience).await;
        self.out()
    }

    /// Asks to stop and waits for the end, which must come within that time.
    pub async fn end_within(mut self, patience: Duration) {
        self.stop_within(patience).await;
    }

    async fn stop_within(&mut self, patience: Duration) {
        let ended = self.running.end_within(patience).await;
        assert!(ended.is_some(), "{} does not end", self.name);
    }
}

/// The program that is run: that of the tests unless another build is named, to measure it.
pub fn program() -> PathBuf {
    match std::env::var_os("PIDIMA_MEASURED_PROGRAM") {
        Some(named) => std::path::absolute(named).unwrap(),
        None => env!("CARGO_BIN_EXE_pidima").into(),
    }
}

/// The Valkey of all tests.
pub fn redis_url() -> String {
    services().valkey.unwrap()
}

/// A file to upload.
pub fn upload_form(name: &str, text: &str) -> Form {
    Form::new().part("file", Part::text(text.to_owned()).file_name(name.to_owned()))
}

/// A sum over all series of a family that hold a text.
pub fn sum(page: &str, family: &str, holding: &str) -> f64 {
    let of_family =
        |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with([' ', '{']));
    let lines = page.lines().filter(of_family).filter(|line| line.contains(holding));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

pub async fn json(request: RequestBuilder) -> Value {
    let reply = request.send().await.unwrap();
    let (status, text) = (reply.status(), reply.text().await.unwrap());
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}

pub fn http() -> Client {
    Client::builder().timeout(Duration::from_secs(60)).build().unwrap()
}

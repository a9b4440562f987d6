//! A carrier in this process, on a runtime of its own, that panics once at its point.
//!
//! The product has no place where it can be told to panic. What it calls has: the driver of the database tells the
//! subscriber of each statement that has ended, in the task that sent it, and the subscriber of this runtime panics there. At
//! the object store and at the embedding model a double panics after the call.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use pidima::adapters::embeddings::{Embedder, EmbeddingError, Vector};
use pidima::adapters::objects::{
    Download, ObjectError, ObjectKey, Objects, PartPlace, StoreUpload, StoredPart, WantedPart,
};
use pidima::app::{App, Outside};
use pidima::config::{Config, Env};
use pidima::knowledge::parser::ParserSettings;
use pidima::knowledge::{IngestSettings, Ingestion, Receiver};
use pidima::server;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{self, JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::house::{House, LEASE};
use super::points::{Carrier, Place, Point};
use crate::support::{eventually, parser_settings};

thread_local! {
    static SUBSCRIBED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Goes off once.
#[derive(Clone)]
struct Fuse {
    point: Point,
    state: Arc<AtomicUsize>,
    /// The task whose next commit is meant: others commit too.
    committing: Arc<Mutex<Option<task::Id>>>,
}

const ARMED: usize = 0;
const BEFORE_COMMIT: usize = 1;
const BURNT: usize = 2;

impl Fuse {
    fn blow(&self) {
        self.state.store(BURNT, Ordering::SeqCst);
        panic!("as asked, at {:?}", self.point);
    }

    /// Called after each call of the object store.
    fn after_request(&self, method: &str) {
        let is_here = matches!(self.point.place(), Place::Store(here) if here == method);
        if is_here && self.state.load(Ordering::SeqCst) == ARMED {
            self.blow();
        }
    }

    /// Called after each statement.
    fn after_statement(&self, statement: &str, rows: u64) {
        let state = self.state.load(Ordering::SeqCst);
        let (words, is_commit) = match self.point.place() {
            Place::Statement(statement) => (statement.words, statement.is_commit),
            // The lease is renewed while the file is read.
            Place::Parser => ("set stage = $4", false),
            _ => return,
        };
        // A panic while another one unwinds would end the process.
        if state == BURNT || std::thread::panicking() {
            return;
        }
        if state == BEFORE_COMMIT && statement.contains("commit") {
            let is_meant = *self.committing.lock().unwrap() == task::try_id();
            if is_meant {
                self.blow();
            }
        }
        if state == ARMED && rows > 0 && statement.contains(words) {
            if is_commit {
                *self.committing.lock().unwrap() = task::try_id();
                self.state.store(BEFORE_COMMIT, Ordering::SeqCst);
            } else {
                self.blow();
            }
        }
    }
}

/// What the driver tells of a statement.
#[derive(Default)]
struct Told {
    statement: String,
    rows: u64,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "summary" | "db.statement") {
            self.statement.extend(value.split_whitespace().flat_map(|word| [" ", word]));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if matches!(field.name(), "rows_affected" | "rows_returned") {
            self.rows += value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Fuse {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        self.after_statement(&told.statement, told.rows);
    }
}

struct Store {
    inner: Arc<dyn Objects>,
    fuse: Fuse,
}

#[async_trait]
impl Objects for Store {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let done = self.inner.put(key, bytes).await;
        self.fuse.after_request("PUT");
        done
    }

    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        let done = self.inner.get(key).await;
        self.fuse.after_request("GET");
        done
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let done = self.inner.delete(key).await;
        self.fuse.after_request("DELETE");
        done
    }

    async fn check(&self) -> Result<(), ObjectError> {
        self.inner.check().await
    }

    // Nothing below is asked for by documents that come at once.

    async fn scan(
        &self,
        key: &ObjectKey,
        see: &mut (dyn for<'a> FnMut(&'a [u8]) + Send),
    ) -> Result<(), ObjectError> {
        self.inner.scan(key, see).await
    }

    async fn read(&self, key: &ObjectKey, offset: u64, length: u64) -> Result<Bytes, ObjectError> {
        self.inner.read(key, offset, length).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), ObjectError> {
        self.inner.copy(from, to).await
    }

    async fn sign_download(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Option<String>, ObjectError> {
        self.inner.sign_download(key, download).await
    }

    async fn begin_upload(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
    ) -> Result<String, ObjectError> {
        self.inner.begin_upload(key, sha256).await
    }

    fn takes_parts(&self) -> bool {
        self.inner.takes_parts()
    }

    async fn place_part(
        &self,
        upload: &StoreUpload,
        part: WantedPart,
    ) -> Result<PartPlace, ObjectError> {
        self.inner.place_part(upload, part).await
    }

    async fn put_part(
        &self,
        upload: &StoreUpload,
        number: u32,
        bytes: Bytes,
    ) -> Result<String, ObjectError> {
        self.inner.put_part(upload, number, bytes).await
    }

    async fn list_parts(
        &self,
        upload: &StoreUpload,
    ) -> Result<Option<Vec<StoredPart>>, ObjectError> {
        self.inner.list_parts(upload).await
    }

    async fn complete_upload(
        &self,
        upload: &StoreUpload,
        parts: &[StoredPart],
    ) -> Result<bool, ObjectError> {
        self.inner.complete_upload(upload, parts).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: Option<&str>) -> Result<(), ObjectError> {
        self.inner.abort_upload(key, id).await
    }
}

struct Model {
    inner: Arc<dyn Embedder>,
    fuse: Fuse,
    calls: AtomicUsize,
}

#[async_trait]
impl Embedder for Model {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        self.inner.embed_query(text).await
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        let done = self.inner.embed_passages(passages).await;
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(self.fuse.point.place(), Place::Embedding(here) if here == call) {
            self.fuse.blow();
        }
        done
    }
}

/// The carrier.
pub struct Inside {
    runtime: Option<Runtime>,
    fuse: Fuse,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Where it serves, if it does.
    pub url: String,
}

impl Inside {
    pub async fn start(point: Point, house: &House) -> Self {
        let fuse = Fuse { point, state: Arc::default(), committing: Arc::default() };
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(fuse.clone()));
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(move || {
                let guard = dispatcher::set_default(&dispatch);
                SUBSCRIBED.with(|slot| *slot.borrow_mut() = Some(guard));
            })
            .build()
            .unwrap();
        let config = Config::from_env(&Env::from_pairs(house.settings(true))).unwrap();
        let (built, stop) = (build(config, fuse.clone()), CancellationToken::new());
        let app = runtime.spawn(built).await.unwrap();
        let ended = stop.clone();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = match point.carrier() {
            Carrier::Worker => runtime.spawn(app.worker.run(ended)),
            Carrier::Api => runtime.spawn(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let endpoint = server::endpoint(app.services, app.server.clone()).unwrap();
                server::serve(listener, endpoint, app.server.times, ended).await.unwrap();
            }),
        };
        Self { runtime: Some(runtime), fuse, stop, task, url }
    }

    /// Waits until the panic was made.
    pub async fn panicked(&self) {
        eventually("the carrier panics", || async {
            self.fuse.state.load(Ordering::SeqCst) == BURNT
        })
        .await;
    }

    /// Ends it as a signal would, and waits for what it has in hand.
    pub async fn end(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The application of the settings, with doubles that panic.
async fn build(config: Config, fuse: Fuse) -> App {
    let outside = Outside::connect(&config).await.unwrap();
    let model = Model { inner: outside.embedder, fuse: fuse.clone(), calls: AtomicUsize::new(0) };
    let embedder: Arc<dyn Embedder> = Arc::new(model);
    let models = outside.models;
    let mut app = App::build(&config, Outside { embedder: Arc::clone(&embedder), models }).unwrap();
    let objects: Arc<dyn Objects> = Arc::new(Store { inner: Arc::clone(&app.objects), fuse });
    let db = app.services.db.clone();
    let settings = IngestSettings {
        parser: ParserSettings { program: config.parser.program.clone(), ..parser_settings() },
        chunk: pidima::knowledge::chunk::ChunkOptions::default(),
        max_chunks: config.ingestion.max_chunks,
        max_attempts: config.ingestion.max_attempts,
        lease: LEASE,
    };
    app.worker.ingestion = Ingestion::new(db.clone(), Arc::clone(&objects), embedder, settings);
    app.services.receiver = Receiver::new(db, objects, Arc::clone(&app.worker.work_waits));
    app
}

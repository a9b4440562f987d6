//! Canaries over the whole suite: what each tenant of each test says is its mark, and no byte that leaves the application or
//! stays in it may hold the mark of another.
//!
//! A mark is a text that one tenant alone sent (a line of a document, a name, a question), or the id of a row of a tenant.
//! Everything is kept while a test runs and looked through when its [`TestApp`](super::TestApp) is dropped: requests and
//! responses with their events, prompts, texts to embed, messages of the queue, rows, objects with their keys, Redis, logs, traces,
//! metrics.

mod log;
mod look;
mod marks;
mod outside;
mod stores;
mod texts;
mod total;
mod wire;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pidima::adapters::embeddings::Embedder;
use pidima::adapters::queue::Message;
use pidima::app::{App, Outside};
use pidima::config::Config;
use pidima::server::{self, ServerTimes};
use poem::{Endpoint, Response};

use look::Finding;
use outside::{WatchedEmbedder, WatchedModel, WatchedQueue};
use wire::Exchange;

use super::WordsEmbedder;

/// What one application was seen doing.
#[derive(Clone)]
pub struct Watch(Arc<Seen>);

struct Seen {
    /// Connection string of the superuser.
    database: String,
    /// Folder of the originals.
    objects: PathBuf,
    /// Address of the Redis that the application was given, if it was.
    redis: Option<String>,
    /// Where the log of this process and its spans stood at the start.
    told_from: log::Place,
    exchanges: Mutex<Vec<Arc<Exchange>>>,
    prompts: Mutex<Vec<Prompted>>,
    embedded: Mutex<Vec<String>>,
    messages: Mutex<Vec<Message>>,
    /// Set by a test that put marks where they must not be, and looked itself.
    is_over: AtomicBool,
}

/// A prompt as the model got it.
struct Prompted {
    question: String,
    text: String,
}

impl Watch {
    /// Begins to watch an application on a database.
    pub fn new(database: String, objects: PathBuf, redis: Option<String>) -> Self {
        Self(Arc::new(Seen {
            database,
            objects,
            redis,
            told_from: log::start(),
            exchanges: Mutex::default(),
            prompts: Mutex::default(),
            embedded: Mutex::default(),
            messages: Mutex::default(),
            is_over: AtomicBool::new(false),
        }))
    }

    /// An application that is watched: its models and its queue.
    pub fn build(&self, config: &Config, outside: Outside) -> App {
        self.build_between(config, outside, Arc::new(WordsEmbedder))
    }

    /// The same with an embedder that collections can be re-embedded with.
    pub fn build_between(
        &self,
        config: &Config,
        outside: Outside,
        second: Arc<dyn Embedder>,
    ) -> App {
        let Outside { embedder, models } = outside;
        let embedder = Arc::new(WatchedEmbedder { inner: embedder, watch: self.clone() });
        let second: Arc<dyn Embedder> =
            Arc::new(WatchedEmbedder { inner: second, watch: self.clone() });
        let models = models.seen_by(|inner| Arc::new(WatchedModel { inner, watch: self.clone() }));
        let outside = Outside { embedder, models };
        let mut app = App::build_with(config, outside, vec![second]).unwrap();
        app.worker.queue = Arc::new(WatchedQueue { inner: app.worker.queue, watch: self.clone() });
        app
    }

    /// What an application serves, watched.
    pub fn endpoint(&self, app: &App) -> impl Endpoint<Output = Response> + use<> {
        let inner = server::endpoint(app.services.clone(), app.server.clone()).unwrap();
        wire::Watched { inner, watch: self.clone() }
    }

    /// How long the server of an application waits: as its settings say, but for the end of a test.
    pub fn times(&self, app: &App) -> ServerTimes {
        ServerTimes { shutdown: Duration::from_secs(1), ..app.server.times }
    }

    /// Keeps what a client and the application said to one another.
    pub fn keep(&self, exchange: Arc<Exchange>) {
        self.0.exchanges.lock().unwrap().push(exchange);
    }

    /// Keeps a prompt.
    pub fn prompted(&self, question: String, text: String) {
        self.0.prompts.lock().unwrap().push(Prompted { question, text });
    }

    /// Keeps what goes to a model beside a prompt.
    pub fn embedded(&self, text: String) {
        self.0.embedded.lock().unwrap().push(text);
    }

    /// Keeps messages of the queue.
    pub fn queued(&self, messages: &[Message]) {
        self.0.messages.lock().unwrap().extend_from_slice(messages);
    }

    /// Looks through everything that was kept so far and that is stored now: marks that are where they must not be.
    pub async fn look(&self) -> Vec<Finding> {
        look::through(&self.0).await
    }

    /// Ends the watch: a test that put marks where they must not be has looked for them itself.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// The last look, from a place that can not wait as tasks do: whatever it finds is a fault of the test that is ending.
    pub fn finish(&self) {
        if self.0.is_over.load(Ordering::Relaxed) {
            return;
        }
        let watch = self.clone();
        let looked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let found = look::through(&watch.0).await;
                total::write(found.len());
                found
            })
        });
        match looked.join() {
            // A test that fails already says why.
            _ if std::thread::panicking() => {}
            Ok(found) => assert!(found.is_empty(), "marks where they must not be: {found:#?}"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

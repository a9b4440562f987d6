//! Another instance of the service, on a runtime of its own, which can be killed: from one moment to the next nothing of
//! it runs any more, and nothing is cleaned up.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use pidima::adapters::models::{ChatModel, ModelRegistry};
use pidima::app::{App, Outside};
use pidima::config::{Config, Env};
use pidima::server;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, minilm};

pub struct Instance {
    pub url: String,
    pub app: App,
    runtime: Option<Runtime>,
}

impl Instance {
    /// An instance on the database of another one, without a worker.
    pub async fn beside(
        app: &TestApp,
        model: Arc<dyn ChatModel>,
        settings: &[(&str, &str)],
    ) -> Self {
        let objects = app.objects.to_string_lossy().into_owned();
        let mut pairs = vec![
            ("DATABASE_URL".to_owned(), app.database.app_url()),
            ("PIDIMA_DATABASE_POOL_SIZE".to_owned(), "6".to_owned()),
            ("PIDIMA_CHAT_MIN_EVIDENCE".to_owned(), "0".to_owned()),
            ("PIDIMA_OBJECTS_DIR".to_owned(), objects),
        ];
        pairs.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
        let outside =
            Outside { embedder: Arc::new(minilm().await), models: ModelRegistry::plain(model) };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let serving = async move {
            let app = App::build(&config, outside).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let endpoint = server::endpoint(app.services.clone(), app.server.clone()).unwrap();
            let times = app.server.times;
            tokio::spawn(server::serve(listener, endpoint, times, CancellationToken::new()));
            (app, url)
        };
        let (app, url) = runtime.spawn(serving).await.unwrap();
        Self { url, app, runtime: Some(runtime) }
    }

    /// The end of the instance, in the middle of whatever it does.
    pub fn kill(mut self) {
        self.end();
    }

    /// Asks the instance to stop, as `SIGTERM` does.
    pub fn drain(&self) {
        let chat = self.app.services.chat.clone();
        let drain = async move { chat.drain().await };
        self.runtime.as_ref().unwrap().spawn(drain);
    }

    /// Makes the instance stand still, as when its machine sleeps, until what is given is dropped.
    pub fn freeze(&self) -> Sender<()> {
        let (thaw, frozen) = channel::<()>();
        // Its one thread waits here, and runs nothing else meanwhile.
        self.runtime.as_ref().unwrap().spawn(async move { frozen.recv().is_ok() });
        thaw
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end();
    }
}

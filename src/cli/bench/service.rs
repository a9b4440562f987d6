//! The service under measurement: this very program as `serve`, over a PostgreSQL and a Valkey of its own, with the
//! handbook as documentation. All of it ends with the measurement.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rand::RngCore;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::process::{memory_kib, processor};
use crate::cli::client::Client;
use crate::cli::seed::{Seed, plant};
use crate::cli::tenant;
use crate::db::{Db, PoolSettings, migrate};
use crate::devservices::{Services, ServicesOptions, free_port};

/// How long the service may take to answer at first: the embedding model is loaded.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// The running service.
pub struct Service {
    /// Address.
    pub url: String,
    /// Key of an owner.
    pub key: String,
    child: Child,
    services: Services,
    folder: std::path::PathBuf,
}

impl Service {
    /// Starts everything with a model at `model_url`.
    pub async fn start(model_url: &str) -> anyhow::Result<Self> {
        let exe = std::env::current_exe().context("finding our own executable")?;
        // Kept on disk like anybody's: what is acknowledged is written.
        let folder = std::env::temp_dir().join(format!("pidima-bench-{}", random()));
        let data = Some(folder.join("services"));
        std::fs::create_dir_all(&folder)?;
        let services = Services::spawn(&exe, ServicesOptions { data, valkey: true }).await?;
        let postgres = &services.info().postgres;
        let password = random();
        migrate::migrate(&postgres.url, Some(&password)).await?;
        let database = format!(
            "postgres://pidima_app:{password}@{}:{}/postgres",
            postgres.host, postgres.port
        );
        let db = Db::open(&PoolSettings {
            url: database.clone().into(),
            max_connections: 2,
            acquire_timeout: Duration::from_secs(10),
        })?;
        let key = tenant::create(&db, "bench", "Bench").await?;
        db.close().await;
        let port = free_port()?;
        let redis = services.info().valkey.clone().unwrap_or_default();
        let mut command = Command::new(&exe);
        command
            .args(["serve"])
            .env("DATABASE_URL", &database)
            .env("PIDIMA_REDIS_URL", &redis)
            .env("PIDIMA_LISTEN", format!("127.0.0.1:{port}"))
            .env("PIDIMA_OBJECTS_DIR", folder.join("objects"))
            .env("PIDIMA_MODEL_PROVIDER", "openai")
            .env("PIDIMA_OPENAI_BASE_URL", model_url)
            .env("PIDIMA_OPENAI_MODEL", "stand-in")
            .env("PIDIMA_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for limit in ["ADDRESS", "TENANT", "CALLER", "ASK"] {
            command.env(format!("PIDIMA_LIMIT_{limit}_PER_MINUTE"), "1000000");
            command.env(format!("PIDIMA_LIMIT_{limit}_BURST"), "1000000");
        }
        let child = command.spawn().context("starting the service")?;
        let service =
            Self { url: format!("http://127.0.0.1:{port}"), key, child, services, folder };
        service.wait_until_ready().await?;
        plant(&Client::new(&service.url, &service.key)?, Seed::Handbook).await?;
        Ok(service)
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let http = reqwest::Client::new();
        let began = Instant::now();
        loop {
            let ready = http.get(format!("{}/readyz", self.url)).send().await;
            if ready.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < STARTS_WITHIN, "the service does not start");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Memory of the service alone, in kibibytes.
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        memory_kib(self.id()?)
    }

    /// Time that processors have spent on the service alone.
    pub fn processor(&self) -> anyhow::Result<Duration> {
        processor(self.id()?)
    }

    /// The same of its database and its Redis.
    pub fn processor_of_stores(&self) -> anyhow::Result<Duration> {
        processor(self.services.guard_id())
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the service has ended")
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.services.stop().await?;
        // Absent when nothing was stored.
        std::fs::remove_dir_all(&self.folder).ok();
        Ok(())
    }
}

fn random() -> String {
    let mut bytes = [0_u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

//! Gateways by others, in front of the same stand-in: what people would put there else. They are started from a Python
//! environment that has them:
//!
//! ```text
//! python3 -m venv peers && peers/bin/pip install 'litellm[proxy]==1.106.2' tensorzero==2026.6.0 openai
//! ```

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::process::{memory_kib, processor};
use crate::devservices::free_port;

/// How long a gateway may take to answer at first; Python reads some hundred files.
const STARTS_WITHIN: Duration = Duration::from_secs(180);
/// Any key that is strong enough.
const LITELLM_KEY: &str = "sk-bench-0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// Writes the address to a file and stays until standard input closes. The pinned version's way to start its gateway by
/// itself.
const TENSORZERO: &str = "
import sys
from openai import OpenAI
from tensorzero import patch_openai_client
client = patch_openai_client(OpenAI(api_key='none'), config_file=sys.argv[1], async_setup=False)
with open(sys.argv[2], 'w') as told:
    print(client.base_url, file=told)
sys.stdin.read()
";

/// A gateway.
pub struct Peer {
    pub name: &'static str,
    /// Address up to and with what stands before `/chat/completions`.
    pub base_url: String,
    pub key: &'static str,
    pub model: &'static str,
    child: Child,
    folder: PathBuf,
}

impl Peer {
    /// LiteLLM's proxy with one worker, logging little.
    pub async fn litellm(python: &Path, model_url: &str) -> anyhow::Result<Self> {
        let folder = folder("litellm")?;
        let config = folder.join("config.yaml");
        let text = format!(
            "model_list:\n  - model_name: stand-in\n    litellm_params:\n      model: openai/stand-in\n      \
             api_base: {model_url}\n      api_key: none\ngeneral_settings:\n  master_key: {LITELLM_KEY}\n"
        );
        std::fs::write(&config, text)?;
        let port = free_port()?;
        let child = Command::new(python.join("bin/litellm"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
            .arg(&config)
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("LITELLM_LOG", "ERROR")
            .env("PATH", path_with(python))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting litellm")?;
        let base_url = format!("http://127.0.0.1:{port}/v1");
        wait(&format!("http://127.0.0.1:{port}/health/liveliness")).await.context("litellm")?;
        Ok(Self { name: "litellm", base_url, key: LITELLM_KEY, model: "stand-in", child, folder })
    }

    /// TensorZero's gateway, storing nothing.
    pub async fn tensorzero(python: &Path, model_url: &str) -> anyhow::Result<Self> {
        let folder = folder("tensorzero")?;
        let config = folder.join("tensorzero.toml");
        let text = format!(
            "[gateway]\nobservability.enabled = false\n\n[models.stand_in]\nrouting = [\"it\"]\n\n\
             [models.stand_in.providers.it]\ntype = \"openai\"\nmodel_name = \"stand-in\"\napi_base = \"{model_url}/\"\n\
             api_key_location = \"none\"\n"
        );
        std::fs::write(&config, text)?;
        let told = folder.join("address");
        let child = Command::new(python.join("bin/python"))
            .args(["-c", TENSORZERO])
            .args([&config, &told])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting tensorzero")?;
        let base_url = address(&told).await.context("tensorzero")?;
        let model = "tensorzero::model_name::stand_in";
        Ok(Self { name: "tensorzero", base_url, key: "none", model, child, folder })
    }

    /// Memory of the gateway with its children, in kibibytes.
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        memory_kib(self.id()?)
    }

    /// Time that processors have spent on it.
    pub fn processor(&self) -> anyhow::Result<Duration> {
        processor(self.id()?)
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the gateway has ended")
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }
}

fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("pidima-bench-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn path_with(python: &Path) -> String {
    format!("{}:/usr/local/bin:/usr/bin:/bin", python.join("bin").display())
}

/// The one line of a file, once it is whole.
async fn address(path: &Path) -> anyhow::Result<String> {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return Ok(text.trim().trim_end_matches('/').to_owned());
        }
        anyhow::ensure!(began.elapsed() < STARTS_WITHIN, "it does not start");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn wait(url: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let began = Instant::now();
    loop {
        if http.get(url).send().await.is_ok_and(|response| response.status().is_success()) {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < STARTS_WITHIN, "it does not answer at {url}");
        sleep(Duration::from_millis(200)).await;
    }
}

//! Asks every question of a set through `POST /v1/search`, two at a time, and keeps how long each stage took.
//! Called by the measuring of retrieval; it judges nothing.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::client::Client;

/// Questions on their way at once: enough to keep a small machine busy without measuring its queue.
pub const AT_ONCE: usize = 2;
/// Passages asked for: the most that the API gives.
const PASSAGES: u32 = 50;

/// A passage that search gave.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Name of its document.
    pub document: String,
    /// What it says.
    pub text: String,
}

/// What came back for one question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Milliseconds: the whole request, then embedding, meaning, words, fusing as the service counts them.
    pub times_ms: [f64; 5],
    /// Passages that were searched.
    pub searched: u64,
}

/// Asks all questions of a collection, in their order.
pub async fn ask_all(
    client: &Client,
    collection_id: &str,
    questions: &[String],
) -> anyhow::Result<Vec<Asked>> {
    let bar = progress("asking", questions.len());
    let asked = stream::iter(questions.iter().map(|question| ask(client, collection_id, question)))
        .buffered(AT_ONCE)
        .inspect(|_| bar.inc(1))
        .try_collect()
        .await;
    bar.finish_and_clear();
    asked
}

/// A bar on standard error.
pub fn progress(what: &'static str, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64).with_style(
        ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len} {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn ask(client: &Client, collection_id: &str, question: &str) -> anyhow::Result<Asked> {
    let body = json!({
        "query": question,
        "limit": PASSAGES,
        "collection_ids": [collection_id],
        "explain": true,
    });
    let began = Instant::now();
    let reply =
        client.post("/v1/search", &body).await.with_context(|| format!("asking \"{question}\""))?;
    let total = began.elapsed().as_secs_f64() * 1_000.0;
    let stage = |name: &str| reply["explanation"][name].as_f64().unwrap_or_default();
    let items = reply["items"].as_array().context("the service sent no passages")?;
    Ok(Asked {
        passages: items.iter().map(passage).collect(),
        times_ms: [
            total,
            stage("embed_ms"),
            stage("dense_ms"),
            stage("lexical_ms"),
            stage("fuse_ms"),
        ],
        searched: reply["explanation"]["searched_chunks"].as_u64().unwrap_or_default(),
    })
}

fn passage(item: &Value) -> Passage {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    Passage { document: text("document_name"), text: text("text") }
}

impl Asked {
    /// Names of the documents, each where it appears first.
    pub fn documents(&self) -> Vec<&str> {
        let mut seen: Vec<&str> = Vec::new();
        for passage in &self.passages {
            if !seen.contains(&passage.document.as_str()) {
                seen.push(&passage.document);
            }
        }
        seen
    }
}

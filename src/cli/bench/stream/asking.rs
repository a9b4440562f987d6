//! One stream, asked for and read to its end, with the times of what came.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::Client;
use serde_json::Value;

/// How the stand-in's first piece begins, and what each other one is.
const FIRST_PIECE: &[u8] = b"Said";
const PIECE: &[u8] = b" word";

/// A system that streams.
#[derive(Clone)]
pub struct Target {
    pub name: &'static str,
    http: Client,
    url: String,
    key: String,
    body: Value,
    /// Pieces that came from it, over all streams.
    pub pieces: Arc<AtomicU64>,
}

/// When something came, after the request was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// That the question is stored; Pidima only.
    pub started: Option<Duration>,
    /// The first text of the model.
    pub first: Duration,
    /// The last text of the model.
    pub last: Duration,
    /// The last event.
    pub done: Duration,
}

impl Target {
    pub fn new(name: &'static str, url: String, key: &str, body: Value) -> Self {
        let pieces = Arc::default();
        Self { name, http: Client::new(), url, key: key.to_owned(), body, pieces }
    }

    /// Asks, and reads to the end.
    pub async fn ask(&self) -> anyhow::Result<Times> {
        let began = Instant::now();
        let mut reading = self.open().await?;
        while reading.next(began).await? {}
        anyhow::ensure!(reading.times.first > Duration::ZERO, "{}: no text came", self.name);
        Ok(reading.times)
    }

    /// Asks, and reads the first text. The stream stays open.
    pub async fn ask_first(&self) -> anyhow::Result<Reading> {
        let began = Instant::now();
        let mut reading = self.open().await?;
        while reading.times.first == Duration::ZERO && reading.next(began).await? {}
        Ok(reading)
    }

    async fn open(&self) -> anyhow::Result<Reading> {
        let request = self.http.post(&self.url).bearer_auth(&self.key).json(&self.body);
        let response = request
            .header("accept", "text/event-stream")
            .send()
            .await
            .with_context(|| self.name)?;
        let status = response.status();
        if !status.is_success() {
            anyhow::bail!("{}: {status}: {}", self.name, response.text().await.unwrap_or_default());
        }
        Ok(Reading {
            bytes: response.bytes_stream().map(|bytes| Ok(bytes?.to_vec())).boxed(),
            line: Vec::new(),
            times: Times::default(),
            pieces: Arc::clone(&self.pieces),
        })
    }
}

/// A stream that is being read.
pub struct Reading {
    bytes: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    line: Vec<u8>,
    times: Times,
    pieces: Arc<AtomicU64>,
}

impl Reading {
    /// Reads to the end.
    pub async fn rest(mut self) -> anyhow::Result<()> {
        let since = Instant::now();
        while self.next(since).await? {}
        Ok(())
    }

    /// Reads what comes next; false at the end.
    async fn next(&mut self, began: Instant) -> anyhow::Result<bool> {
        let Some(bytes) = self.bytes.next().await else { return Ok(false) };
        let now = began.elapsed();
        for part in bytes?.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.read(&line, now);
            }
        }
        Ok(true)
    }

    fn read(&mut self, line: &[u8], now: Duration) {
        if !line.starts_with(b"data:") {
            return;
        }
        if contains(line, b"\"type\":\"started\"") {
            self.times.started = Some(now);
        } else if contains(line, b"\"type\":\"done\"") || contains(line, b"[DONE]") {
            self.times.done = now;
        } else {
            let is_first = contains(line, FIRST_PIECE);
            let pieces = count(line, PIECE) + usize::from(is_first);
            if is_first && self.times.first == Duration::ZERO {
                self.times.first = now;
            }
            if pieces > 0 {
                self.times.last = now;
                self.pieces.fetch_add(pieces as u64, Ordering::Relaxed);
            }
        }
    }
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

fn count(line: &[u8], part: &[u8]) -> usize {
    line.windows(part.len()).filter(|window| *window == part).count()
}

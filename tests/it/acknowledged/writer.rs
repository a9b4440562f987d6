//! A client as it should be: one question after the other, each with a key of its own; asked again at another instance
//! until it is answered, and a stream that breaks is taken up where it broke. It writes down what it was told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rand::Rng;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::house::Tenant;

/// After this, an operation is left with an unknown end.
const PATIENCE: Duration = Duration::from_secs(60);
/// A stream that says nothing for so long is taken for dead.
const SILENCE: Duration = Duration::from_secs(20);

/// What a writer knows of one question.
#[derive(Clone, Debug)]
pub struct Operation {
    pub tenant: Tenant,
    pub session_id: String,
    /// Unique in the question and in its answer.
    pub mark: String,
    pub content: String,
    /// Its message, once the service said that it is stored.
    pub question_id: Option<String>,
    /// The answer, once the service said that it is stored.
    pub answer: Option<Value>,
    /// Text shown, joined.
    pub shown: String,
    /// Numbers that came twice, or not in order.
    pub misnumbered: Vec<String>,
    /// The run ended without an answer, by its own word.
    pub failed: bool,
    /// The run is unknown to the service that had told of it.
    pub vanished: bool,
    pub attempts: u32,
}

pub struct Writer {
    number: usize,
    tenant: Tenant,
    addresses: Arc<Vec<String>>,
    http: reqwest::Client,
    session_id: String,
}

/// Where an attempt left off.
enum Attempt {
    Ended,
    Again,
}

impl Writer {
    pub async fn open(number: usize, tenant: Tenant, addresses: Arc<Vec<String>>) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .read_timeout(SILENCE)
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let url = format!("{}/v1/sessions", addresses[0]);
        let began = Instant::now();
        let session: Value = loop {
            let request = http.post(&url).bearer_auth(&tenant.key).json(&json!({}));
            let reply = request.send().await.unwrap();
            // A server that has just begun on a busy machine may have no connection to the database in time, and says so.
            if reply.status() == StatusCode::SERVICE_UNAVAILABLE && began.elapsed() < PATIENCE {
                continue;
            }
            assert_eq!(reply.status(), StatusCode::CREATED, "a session for writer {number}");
            break reply.json().await.unwrap();
        };
        let session_id = session["id"].as_str().unwrap().to_owned();
        Self { number, tenant, addresses, http, session_id }
    }

    /// Asks until `stop`; the log.
    pub async fn work(self, stop: CancellationToken) -> Vec<Operation> {
        let mut log = Vec::new();
        while !stop.is_cancelled() {
            log.push(self.ask(log.len()).await);
        }
        log
    }

    async fn ask(&self, index: usize) -> Operation {
        let mark = format!("N{}x{index}", self.number);
        let mut operation = Operation {
            tenant: self.tenant.clone(),
            session_id: self.session_id.clone(),
            content: format!("How long do keys live? {mark}"),
            mark,
            question_id: None,
            answer: None,
            shown: String::new(),
            misnumbered: Vec::new(),
            failed: false,
            vanished: false,
            attempts: 0,
        };
        let key = Uuid::new_v4().to_string();
        let began = Instant::now();
        let mut followed: Option<(String, u64)> = None;
        while began.elapsed() < PATIENCE {
            operation.attempts += 1;
            let address = &self.addresses[rand::rng().random_range(0..self.addresses.len())];
            let request = match &followed {
                Some((run_id, last)) => self
                    .http
                    .get(format!("{address}/v1/runs/{run_id}/events"))
                    .header("last-event-id", last.to_string()),
                None => self
                    .http
                    .post(format!("{address}/v1/sessions/{}/messages", self.session_id))
                    .header("idempotency-key", &key)
                    .json(&json!({ "content": operation.content })),
            };
            match self.attempt(request, &mut operation, &mut followed).await {
                Attempt::Ended => return operation,
                Attempt::Again => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        operation
    }

    async fn attempt(
        &self,
        request: RequestBuilder,
        operation: &mut Operation,
        followed: &mut Option<(String, u64)>,
    ) -> Attempt {
        let request = request.bearer_auth(&self.tenant.key).header("accept", "text/event-stream");
        let Ok(reply) = request.send().await else { return Attempt::Again };
        let status = reply.status();
        if status == StatusCode::NOT_FOUND && followed.is_some() {
            operation.vanished = true;
            return Attempt::Ended;
        }
        if status != StatusCode::OK {
            let text = reply.text().await.unwrap_or_default();
            let may_pass =
                status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 425 | 429);
            assert!(may_pass, "writer {}: {status} {text}", self.number);
            return Attempt::Again;
        }
        let mut bytes = reply.bytes_stream();
        let mut buffer = Vec::new();
        while let Some(Ok(more)) = bytes.next().await {
            buffer.extend_from_slice(&more);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                let text = String::from_utf8(block).unwrap();
                if take(&text, operation, followed) {
                    return Attempt::Ended;
                }
            }
        }
        Attempt::Again
    }
}

/// Notes one event; true at the last one.
fn take(block: &str, operation: &mut Operation, followed: &mut Option<(String, u64)>) -> bool {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (Some(name), Some(id), Some(data)) = (field("event"), field("id"), field("data")) else {
        return false;
    };
    let data: Value = serde_json::from_str(data).unwrap();
    let number: u64 = id.parse().unwrap();
    if let Some((_, last)) = followed.as_ref()
        && number != last + 1
        && name != "started"
    {
        operation.misnumbered.push(format!("{name} {number} after {last}"));
    }
    match name {
        "started" => {
            // A replay of the request tells the run from its beginning.
            operation.shown.clear();
            operation.question_id = data["question_id"].as_str().map(str::to_owned);
            *followed = Some((data["run_id"].as_str().unwrap().to_owned(), number));
        }
        "delta" => operation.shown.push_str(data["text"].as_str().unwrap()),
        "reset" => operation.shown.clear(),
        "done" => operation.answer = Some(data["answer"].clone()),
        "error" => operation.failed = true,
        _ => {}
    }
    if let Some((_, last)) = followed {
        *last = number;
    }
    matches!(name, "done" | "error")
}

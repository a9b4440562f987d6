//! Requests at a fixed rate: mostly reads of what people look at, some writes. Whether one is late changes nothing of when the
//! next one is sent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fleet::Fleet;
use crate::support::program::http;

const READS: [&str; 5] =
    ["/v1/me", "/v1/collections", "/v1/documents", "/v1/sessions", "/v1/ingestion_jobs"];

/// What became of them.
#[derive(Default)]
struct Results {
    times: Vec<Duration>,
    failures: Vec<String>,
}

/// What was sent, while it is sent.
pub struct Sending {
    results: Arc<Mutex<Results>>,
    per_second: u32,
    began: Instant,
}

/// What was sent in all.
pub struct Requests {
    times: Vec<Duration>,
    pub failures: Vec<String>,
    per_second: u32,
    seconds: f64,
}

impl Requests {
    pub fn start(
        fleet: &Arc<Fleet>,
        per_second: u32,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Sending {
        let results = Arc::<Mutex<Results>>::default();
        let sending = Sending { results: Arc::clone(&results), per_second, began: Instant::now() };
        let (fleet, stop, inner) = (Arc::clone(fleet), stop.clone(), tasks.clone());
        tasks.spawn(async move {
            let client = http();
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for number in 0.. {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stop.cancelled() => return,
                }
                inner.spawn(one(Arc::clone(&fleet), client.clone(), number, Arc::clone(&results)));
            }
        });
        sending
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
    }

    /// Part of the wanted rate that was reached.
    pub fn rate_share(&self) -> f64 {
        self.times.len() as f64 / (f64::from(self.per_second) * self.seconds)
    }

    pub fn summary(&self) -> String {
        let seconds = self.seconds;
        format!(
            "{} in {seconds:.0} s ({:.0}/s), {} failed, p50 {:.1} ms, p99 {:.1} ms",
            self.times.len(),
            self.times.len() as f64 / seconds,
            self.failures.len(),
            self.percentile(50).as_secs_f64() * 1e3,
            self.percentile(99).as_secs_f64() * 1e3
        )
    }
}

impl Sending {
    /// How long they have been sent.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// What was sent in so many seconds.
    pub fn end(self, seconds: f64) -> Requests {
        let results = std::mem::take(&mut *self.results.lock().unwrap());
        let Results { times, failures } = results;
        Requests { times, failures, per_second: self.per_second, seconds }
    }
}

async fn one(fleet: Arc<Fleet>, client: Client, number: usize, results: Arc<Mutex<Results>>) {
    let sent = fleet.send();
    let (path, request) = request(&client, sent.url(), number);
    let began = Instant::now();
    let reply = request.bearer_auth(&fleet.key).send().await;
    let whole = match reply {
        Ok(reply) if reply.status().is_success() => {
            reply.bytes().await.map(|_| ()).map_err(|error| format!("{path}: {error:?}"))
        }
        Ok(reply) => Err(format!("{path}: {}", reply.status())),
        Err(error) => Err(format!("{path}: {error:?}")),
    };
    drop(sent);
    let mut results = results.lock().unwrap();
    results.times.push(began.elapsed());
    results.failures.extend(whole.err());
}

fn request(client: &Client, url: &str, number: usize) -> (&'static str, RequestBuilder) {
    if number % 10 == 9 {
        let body = json!({ "title": format!("session {number}") });
        return ("POST /v1/sessions", client.post(format!("{url}/v1/sessions")).json(&body));
    }
    let path = READS[number % READS.len()];
    (path, client.get(format!("{url}{path}")))
}

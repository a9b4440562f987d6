//! Answers that survive: their readers come and go, their instances die, and nothing that was shown is lost.

mod bad_places;
mod cancel;
mod gathering;
mod instance;
mod invariants;
mod orphans;
mod paced;
mod recording;
mod resume;

use pidima::adapters::models::{FinishReason, ModelEvent};
use reqwest::Method;
use serde_json::{Value, json};

use super::{GUIDE, check_numbers, history, joined, no_run_is_left, open_session, seen};
use crate::support::{EventReader, Script, TestTenant};

/// Runs whose instance dies are found soon.
const IMPATIENT: &[(&str, &str)] = &[
    ("PIDIMA_RUN_LEASE_MS", "2000"),
    ("PIDIMA_RUN_SWEEP_MS", "50"),
    ("PIDIMA_RUN_FLUSH_INTERVAL_MS", "30"),
    ("PIDIMA_RUN_READ_POLL_MS", "10"),
    ("PIDIMA_RUN_CANCEL_POLL_MS", "50"),
];

/// A question in a session or alone, asked as a stream.
async fn ask(tenant: &TestTenant, question: &str) -> EventReader {
    tenant.follow("/v1/answers", &json!({ "question": question })).await
}

/// The events of a run after a number.
async fn follow(tenant: &TestTenant, run: &str, after: usize) -> EventReader {
    let path = format!("/v1/runs/{run}/events?after={after}");
    let response = tenant.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    EventReader::new(response)
}

async fn run(tenant: &TestTenant, run: &str) -> Value {
    tenant.get(&format!("/v1/runs/{run}")).await.expect(200)
}

fn run_id(started: &crate::support::StreamEvent) -> String {
    assert_eq!(started.name, "started");
    started.data["run_id"].as_str().unwrap().to_owned()
}

fn delta(text: &str) -> ModelEvent {
    ModelEvent::Delta(text.to_owned())
}

/// An answer that stands still after its first words.
fn paused() -> Script {
    let rest = vec![delta(" 90 days. [1]"), ModelEvent::Finished(FinishReason::Stop)];
    Script::Pause(vec![delta("Keys live for")], rest)
}

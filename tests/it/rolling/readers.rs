//! People who read answers while they are written. Half of them stay where they asked; the others hang up after the first event
//! and go on at another instance. Whoever is sent away comes back elsewhere, where he was.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::{Response, StatusCode};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fleet::{Fleet, Sent};
use super::model;
use crate::support::program::http;
use crate::support::{EventReader, StreamEvent, eventually};

/// Connections of one reader to one answer at most.
const TRIES: usize = 20;

/// What readers saw.
#[derive(Clone, Default)]
pub struct Told {
    pub whole: usize,
    /// Times that a reader came back to an answer after its stream had ended early.
    pub came_back: usize,
    pub faults: Vec<String>,
}

impl Told {
    pub fn summary(&self) -> String {
        let (whole, back, faults) = (self.whole, self.came_back, self.faults.len());
        format!("{whole} whole, {back} times gone on with elsewhere, {faults} faults")
    }
}

/// The readers.
pub struct Readers {
    told: Arc<Mutex<Told>>,
    /// Answers that each reader has begun to read.
    begun: Arc<Vec<AtomicUsize>>,
}

impl Readers {
    pub fn start(
        fleet: &Arc<Fleet>,
        count: usize,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let told = Arc::<Mutex<Told>>::default();
        let begun: Arc<Vec<_>> = Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect());
        for number in 0..count {
            let (fleet, told, stop) = (Arc::clone(fleet), Arc::clone(&told), stop.clone());
            let begun = Arc::clone(&begun);
            tasks.spawn(async move {
                let client = http();
                while !stop.is_cancelled() {
                    let mut reading = Reading { fleet: &fleet, client: &client, came_back: 0 };
                    let read = reading.answer(number % 2 == 1, &begun[number]).await;
                    let mut told = told.lock().unwrap();
                    told.came_back += reading.came_back;
                    match read {
                        Ok(()) => told.whole += 1,
                        Err(fault) => told.faults.push(format!("reader {number}: {fault}")),
                    }
                }
            });
        }
        Self { told, begun }
    }

    pub async fn all_are_reading(&self) {
        eventually("everybody reads", || async {
            self.begun.iter().all(|begun| begun.load(Ordering::SeqCst) > 0)
        })
        .await;
    }

    /// Waits until everybody reads an answer that was begun after now.
    pub async fn each_has_begun_anew(&self) {
        let before: Vec<_> = self.begun.iter().map(|begun| begun.load(Ordering::SeqCst)).collect();
        eventually("everybody has begun anew", || async {
            let now = self.begun.iter().map(|begun| begun.load(Ordering::SeqCst));
            now.zip(&before).all(|(now, before)| now > *before)
        })
        .await;
    }

    pub fn end(self) -> Told {
        self.told.lock().unwrap().clone()
    }
}

/// One reader with one answer.
struct Reading<'a> {
    fleet: &'a Fleet,
    client: &'a reqwest::Client,
    came_back: usize,
}

impl Reading<'_> {
    async fn answer(&mut self, moves: bool, begun: &AtomicUsize) -> Result<(), String> {
        let asked = self.fleet.send();
        let maker = asked.url().to_owned();
        let mut stream = EventReader::new(self.ask(asked).await?);
        let first = stream.try_next().await.map_err(|error| format!("first event: {error:?}"))?;
        let first = first.ok_or("a stream without an event")?;
        let run = first.data["run_id"].as_str().ok_or("no run")?.to_owned();
        begun.fetch_add(1, Ordering::SeqCst);
        let mut events = vec![first];
        if moves {
            drop(stream);
            let sent = self.fleet.send_to_oldest_but(&maker);
            stream = self.follow(sent, &run, events.len(), &maker).await?;
        }
        for _ in 0..TRIES {
            // An error is a connection that broke.
            while let Ok(Some(event)) = stream.try_next().await {
                events.push(event);
            }
            if matches!(events.last().map(|event| event.name.as_str()), Some("done" | "error")) {
                return check(&events);
            }
            self.came_back += 1;
            stream = self.follow(self.fleet.send(), &run, events.len(), &maker).await?;
        }
        Err(format!("{TRIES} connections to one answer, and {} events", events.len()))
    }

    async fn ask(&self, sent: Sent) -> Result<Response, String> {
        let request = self.client.post(format!("{}/v1/answers", sent.url()));
        let request = request.bearer_auth(&self.fleet.key).header("accept", "text/event-stream");
        stream_of(request.json(&json!({ "question": "How long do keys live?" }))).await
    }

    async fn follow(
        &self,
        sent: Sent,
        run: &str,
        after: usize,
        maker: &str,
    ) -> Result<EventReader, String> {
        let request = self.client.get(format!("{}/v1/runs/{run}/events", sent.url()));
        let request = request.bearer_auth(&self.fleet.key).header("last-event-id", after);
        let stream = EventReader::new(stream_of(request).await?);
        if sent.url() != maker {
            sent.is_guest();
        }
        Ok(stream)
    }
}

async fn stream_of(request: reqwest::RequestBuilder) -> Result<Response, String> {
    let reply = request.send().await.map_err(|error| format!("no answer: {error:?}"))?;
    if reply.status() == StatusCode::OK {
        return Ok(reply);
    }
    let status = reply.status();
    Err(format!("{status} {}", reply.text().await.unwrap_or_default()))
}

/// The events count without a gap, and their text is that of the model and of the stored answer.
fn check(events: &[StreamEvent]) -> Result<(), String> {
    let mut text = String::new();
    for (number, event) in (1..).zip(events) {
        if event.id != number {
            return Err(format!("event {} at place {number}", event.id));
        }
        match event.name.as_str() {
            "delta" => text.push_str(event.data["text"].as_str().ok_or("a delta without text")?),
            "reset" => return Err("a reset".to_owned()),
            "error" => return Err(event.data.to_string()),
            _ => {}
        }
    }
    let answer = &events.last().ok_or("no event")?.data["answer"];
    if answer["outcome"] != "answered" {
        return Err(format!("outcome {}", answer["outcome"]));
    }
    if answer["content"] != text || text != model::answer() {
        return Err(format!("another text: {text}"));
    }
    Ok(())
}

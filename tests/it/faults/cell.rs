//! One cell: a document goes its way, something happens to its carrier at one point, and the end is as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::Break;
use super::house::{GUIDE, House, TRIES, guide};
use super::inside::Inside;
use super::points::{Carrier, Place, Point};
use super::process::{Kind, Process};
use super::stands::Stand;
use super::state::{attempts, end_state, stray_originals};
use super::table::{Cell, Fault};
use crate::aws::proxy::Act;
use crate::support::{Mode, TestTenant, eventually};

/// Requests to the embedding model in one attempt on the guide.
const BATCHES: usize = 3;

/// What was seen of a cell.
pub struct Run {
    pub state: Value,
    pub attempts: usize,
    /// Requests to the embedding model that were answered with vectors.
    pub embeddings: usize,
    pub time: Duration,
}

/// The way without a fault, and without a second delivery.
pub async fn undisturbed() -> Run {
    let house = Box::pin(House::start()).await;
    let began = Instant::now();
    upload(&house.tenant).await;
    let worker = Process::second(&house).await;
    house.all_done().await;
    worker.end().await;
    finish(&house, began, 0).await
}

/// The way without a fault, in a house where something is wrong.
pub async fn broken(broken: Break) -> Value {
    let house = Box::pin(House::start()).await;
    broken.make(&house).await;
    upload(&house.tenant).await;
    let worker = Process::second(&house).await;
    house.all_done().await;
    worker.end().await;
    end_state(&house).await
}

impl Cell {
    /// The way with the fault, and every message delivered twice.
    pub async fn run(self) -> Run {
        let house = Box::pin(House::start()).await;
        house.deliver_twice().await;
        let began = Instant::now();
        if self.point.carrier() == Carrier::Worker {
            upload(&house.tenant).await;
        }
        let mut refused = 0;
        match self.fault {
            Fault::Panic => panic(self.point, &house).await,
            Fault::Kill => kill(self.point, &house).await,
            Fault::Hang => hang(self.point, &house).await,
            Fault::Cut => cut(self.point, &house).await,
            Fault::Store500 | Fault::Busy429 => refused = refuse(self, &house).await,
        }
        let run = finish(&house, began, refused).await;
        self.judge(&run);
        run
    }

    /// What must hold beside the end state.
    fn judge(self, run: &Run) {
        let must_repeat = match self.fault {
            // Whoever is cut off or dies while the commit is carried out has done it all the same.
            Fault::Panic | Fault::Kill | Fault::Hang => {
                self.point.is_in_attempt() && self.point != Point::Publish
            }
            // Whoever asks nothing of the database meanwhile may not notice.
            Fault::Cut => matches!(self.point, Point::Claim | Point::Advance | Point::Chunks),
            Fault::Store500 => self.point == Point::Read,
            Fault::Busy429 => true,
        };
        let least = if must_repeat { 2 } else { 1 };
        // One more is borne: on a busy machine a lease may end under a worker that only was slow.
        let most = least + 1;
        assert!((least..=most).contains(&run.attempts), "{self:?}: {} attempts", run.attempts);
        let bound = run.attempts * BATCHES;
        assert!(run.embeddings <= bound, "{self:?}: {} requests to embed", run.embeddings);
    }
}

async fn finish(house: &House, began: Instant, refused: usize) -> Run {
    house.all_done().await;
    Run {
        state: end_state(house).await,
        attempts: attempts(house).await,
        embeddings: house.embeddings.count(|_| true) - refused,
        time: began.elapsed(),
    }
}

/// Uploads the guide's new version under one key, as often as it takes: a client that hears nothing asks again.
async fn upload(tenant: &TestTenant) {
    eventually("the upload is taken", || async {
        matches!(try_upload(tenant).await, Some(200 | 202))
    })
    .await;
}

/// The status; `None` when the connection broke.
async fn try_upload(tenant: &TestTenant) -> Option<u16> {
    let file = Part::bytes(guide("two").into_bytes()).file_name(GUIDE);
    let request = tenant
        .request(Method::POST, "/v1/documents")
        .header("idempotency-key", "the guide, once more")
        .multipart(Form::new().part("file", file));
    Some(request.send().await.ok()?.status().as_u16())
}

/// A process that carries the document, and the request that it carries it for.
struct First {
    process: Process,
    request: Option<tokio::task::JoinHandle<Option<u16>>>,
}

impl First {
    async fn start(point: Point, house: &House) -> Self {
        match point.carrier() {
            Carrier::Worker => {
                Self { process: Process::first(Kind::Worker, house).await, request: None }
            }
            Carrier::Api => {
                let process = Process::first(Kind::Api, house).await;
                let tenant = house.tenant.at(&process.url);
                let request = tokio::spawn(async move { try_upload(&tenant).await });
                Self { process, request: Some(request) }
            }
        }
    }

    /// What the client that is told nothing does: it turns to another instance.
    async fn ask_again(&mut self, house: &House) {
        if let Some(request) = self.request.take() {
            request.abort();
            upload(&house.tenant).await;
        }
    }
}

async fn panic(point: Point, house: &House) {
    let stand = match point.place() {
        Place::Parser => Some(Stand::at(point, house).await),
        _ => None,
    };
    let inside = Inside::start(point, house).await;
    let carrier = point.carrier();
    if carrier == Carrier::Api {
        let status = try_upload(&house.tenant.at(&inside.url)).await;
        assert_eq!(status, Some(500), "the handler panicked");
    }
    inside.panicked().await;
    if let Some(stand) = stand {
        stand.open().await;
    }
    let second = match carrier {
        Carrier::Worker => None,
        Carrier::Api => {
            house.uploads_are_over().await;
            upload(&house.tenant.at(&inside.url)).await;
            Some(Process::second(house).await)
        }
    };
    // A worker in which something panicked goes on by itself.
    house.all_done().await;
    all_swept(house).await;
    inside.end().await;
    end(second).await;
}

async fn kill(point: Point, house: &House) {
    let stand = Stand::at(point, house).await;
    let mut first = First::start(point, house).await;
    stand.reached().await;
    first.process.kill();
    stand.open().await;
    first.ask_again(house).await;
    house.uploads_are_over().await;
    let second = Process::second(house).await;
    house.all_done().await;
    all_swept(house).await;
    second.end().await;
}

async fn hang(point: Point, house: &House) {
    let stand = Stand::at(point, house).await;
    let mut first = First::start(point, house).await;
    stand.reached().await;
    first.process.stop();
    stand.open().await;
    first.ask_again(house).await;
    house.uploads_are_over().await;
    let second = Process::second(house).await;
    house.all_done().await;
    // It wakes up and knows nothing of what happened: it goes on where it stood.
    first.process.go_on();
    first.process.end().await;
    all_swept(house).await;
    second.end().await;
}

async fn cut(point: Point, house: &House) {
    let stand = Stand::at(point, house).await;
    let mut first = First::start(point, house).await;
    stand.reached().await;
    let told = first.process.warnings();
    house.line.set(Mode::Cut);
    stand.open().await;
    eventually("the carrier has noticed", || async { first.process.warnings() > told }).await;
    house.line.set(Mode::Pass);
    let second = match point.carrier() {
        Carrier::Worker => None,
        Carrier::Api => {
            first.ask_again(house).await;
            house.uploads_are_over().await;
            Some(Process::second(house).await)
        }
    };
    house.all_done().await;
    all_swept(house).await;
    first.process.end().await;
    end(second).await;
}

/// The service refuses until every try of one request is used up; how often it did.
async fn refuse(cell: Cell, house: &House) -> usize {
    let (proxy, method, nth) = match cell.point.place() {
        Place::Store(method) => (&house.store, method, 1),
        Place::Embedding(nth) => (&house.embeddings, "POST", nth),
        _ => unreachable!("{cell:?} is run as another"),
    };
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let is_busy = cell.fault == Fault::Busy429;
    proxy.on(move |request| {
        if !request.line.starts_with(method) {
            return Act::Pass;
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        match (nth..nth + TRIES).contains(&number) {
            true if is_busy => Act::Reply(429, "application/json", b"{}".to_vec()),
            true => Act::s3(500, "InternalError"),
            false => Act::Pass,
        }
    });
    let first = match cell.point.carrier() {
        Carrier::Worker => Process::first(Kind::Worker, house).await,
        Carrier::Api => {
            assert_eq!(try_upload(&house.tenant).await, Some(503), "nothing was kept");
            // What the store may still be storing is looked after by the worker.
            house.uploads_are_over().await;
            upload(&house.tenant).await;
            Process::second(house).await
        }
    };
    house.all_done().await;
    assert!(seen.load(Ordering::SeqCst) >= nth + TRIES, "it was asked again");
    all_swept(house).await;
    first.end().await;
    if is_busy { TRIES } else { 0 }
}

/// Waits until originals without a version are gone, while there is a worker that sees to it.
async fn all_swept(house: &House) {
    eventually("no original is left over", || async { stray_originals(house).await == 0 }).await;
}

async fn end(process: Option<Process>) {
    if let Some(process) = process {
        process.end().await;
    }
}

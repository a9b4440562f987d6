//! Instances behind what a load balancer does: it takes new ones in once they are ready, sends nothing more to those that go,
//! and waits for what it sent before, save for streams. Then they are asked to stop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::eventually;
use crate::support::program::{self, House, Process, http};

/// Longer than requests in flight and answers that are being made have together.
const STOP: Duration = Duration::from_secs(60);
const GUIDE: &str = "# Keys\n\nKeys live for 90 days.\n";

pub struct Fleet {
    house: House,
    model: String,
    targets: Mutex<Vec<Arc<Target>>>,
    next: AtomicUsize,
    started: AtomicUsize,
    pub key: String,
}

/// One instance.
struct Target {
    process: Mutex<Option<Process>>,
    url: String,
    in_flight: AtomicUsize,
    /// Answers of other instances that somebody has begun to read here.
    guests: AtomicUsize,
}

/// A request that was sent to an instance; it is waited for until this is dropped.
pub struct Sent(Arc<Target>);

impl Sent {
    fn to(target: &Arc<Target>) -> Self {
        target.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(target))
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The stream that came back tells an answer of another instance.
    pub fn is_guest(&self) {
        self.0.guests.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Fleet {
    /// So many instances, which have learnt one document.
    pub async fn start(model: &str, instances: usize) -> Self {
        let house = House::new().await;
        let key = house.tenant("rolling");
        let fleet = Self {
            house,
            model: model.to_owned(),
            targets: Mutex::default(),
            next: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            key,
        };
        for _ in 0..instances {
            let target = fleet.start_one().await;
            fleet.targets.lock().unwrap().push(target);
        }
        fleet.learn().await;
        fleet
    }

    async fn start_one(&self) -> Arc<Target> {
        let name = format!("instance-{}", self.started.fetch_add(1, Ordering::SeqCst));
        let redis = program::redis_url();
        let settings = [
            ("PIDIMA_MODEL_PROVIDER", "openai"),
            ("PIDIMA_OPENAI_BASE_URL", self.model.as_str()),
            ("PIDIMA_OPENAI_MODEL", "paced"),
            ("PIDIMA_CHAT_MIN_EVIDENCE", "0"),
            ("PIDIMA_REDIS_URL", redis.as_str()),
            ("PIDIMA_LIMIT_ASK_BURST", "1000000"),
        ];
        let process = self.house.start(&name, &["serve"], &settings).ready().await;
        let url = process.url.clone();
        Arc::new(Target {
            process: Mutex::new(Some(process)),
            url,
            in_flight: AtomicUsize::new(0),
            guests: AtomicUsize::new(0),
        })
    }

    async fn learn(&self) {
        let sent = self.send();
        let form = program::upload_form("keys.md", GUIDE);
        let request = http().post(format!("{}/v1/documents?wait=ready", sent.url()));
        let document = program::json(request.bearer_auth(&self.key).multipart(form)).await;
        assert_eq!(document["state"], "ready", "{document}");
    }

    /// The instance for the next request.
    pub fn send(&self) -> Sent {
        let targets = self.targets.lock().unwrap();
        let number = self.next.fetch_add(1, Ordering::SeqCst) % targets.len();
        Sent::to(&targets[number])
    }

    /// The oldest instance save one: where a reader is sooner or later sent away.
    pub fn send_to_oldest_but(&self, url: &str) -> Sent {
        let targets = self.targets.lock().unwrap();
        let other = targets.iter().find(|target| target.url != url);
        Sent::to(other.unwrap_or(&targets[0]))
    }

    /// Starts an instance, then ends the oldest one, where somebody has just begun to read an answer of another.
    pub async fn replace_oldest(&self) {
        let new = self.start_one().await;
        let oldest = Arc::clone(&self.targets.lock().unwrap()[0]);
        let before = oldest.guests.load(Ordering::SeqCst);
        eventually("an answer of another instance is read at the oldest", || async {
            oldest.guests.load(Ordering::SeqCst) > before
        })
        .await;
        let old = {
            let mut targets = self.targets.lock().unwrap();
            targets.push(new);
            targets.remove(0)
        };
        eventually("what was sent before is answered", || async {
            old.in_flight.load(Ordering::SeqCst) == 0
        })
        .await;
        let process = old.process.lock().unwrap().take().unwrap();
        process.end_within(STOP).await;
    }
}

//! Whether the service can serve, and what of it can not be used for the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::adapters::objects::Objects;
use crate::adapters::queue::Queue;
use crate::db::{Db, migrate};
use crate::telemetry;

/// How long a result of the isolation check is good, and that of a part that is there.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// How long it is taken for granted that a part that is away is still away.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Time for a part to answer: less than those have who ask whether we are ready.
const PATIENCE: Duration = Duration::from_millis(500);

/// What keeps the service from serving: told once, and asked again by each `/readyz`.
///
/// The isolation check takes some 20 ms, and a look at services of AWS a request to each: results are kept for a while.
#[derive(Clone)]
pub struct Readiness {
    objects: Arc<dyn Objects>,
    queue: Arc<dyn Queue>,
    database: Arc<Mutex<Option<Checked>>>,
    parts: Arc<Mutex<Option<Checked>>>,
    /// Whether settings could not be read again, so that those read before hold.
    settings_are_old: Arc<AtomicBool>,
}

/// When something was checked, and what was wrong.
type Checked = (Instant, Vec<String>);

impl Readiness {
    /// The readiness of a service with these parts.
    pub fn new(objects: Arc<dyn Objects>, queue: Arc<dyn Queue>) -> Self {
        Self {
            objects,
            queue,
            database: Arc::default(),
            parts: Arc::default(),
            settings_are_old: Arc::default(),
        }
    }

    /// Notes whether the settings could be read again.
    pub fn note_settings(&self, are_new: bool) {
        self.settings_are_old.store(!are_new, Ordering::Relaxed);
    }

    /// Faults, in words with their remedies; empty when all is well.
    pub async fn faults(&self, db: &Db) -> Vec<String> {
        if let Err(error) = db.ping().await {
            return vec![format!("{error}; check DATABASE_URL and that the server runs")];
        }
        let mut checked = self.database.lock().await;
        if let Some((at, faults)) = checked.as_ref()
            && at.elapsed() < CHECK_EVERY
        {
            return faults.clone();
        }
        let faults = database_faults(db).await;
        *checked = Some((Instant::now(), faults.clone()));
        faults
    }

    /// Parts without which questions are answered all the same; empty when all are there. Causes are for the log: anybody
    /// may ask.
    pub async fn degraded(&self) -> Vec<String> {
        let mut parts = self.parts_away().await;
        parts.extend(telemetry::degraded().map(str::to_owned));
        if self.settings_are_old.load(Ordering::Relaxed) {
            let told = "settings: they can not be read again, so those read before hold; the log tells why";
            parts.push(told.to_owned());
        }
        parts
    }

    async fn parts_away(&self) -> Vec<String> {
        let mut checked = self.parts.lock().await;
        if let Some((at, parts)) = checked.as_ref()
            && at.elapsed() < if parts.is_empty() { CHECK_EVERY } else { LOOK_AGAIN }
        {
            return parts.clone();
        }
        let (objects, queue) = tokio::join!(
            timeout(PATIENCE, self.objects.check()),
            timeout(PATIENCE, self.queue.check())
        );
        let told = [
            objects.map(away).unwrap_or_else(|_| late()).map(|cause| {
                tracing::warn!(cause, "the store of originals can not be used");
                "objects: uploads are refused and documents wait; run pidima doctor"
            }),
            queue.map(away).unwrap_or_else(|_| late()).map(|cause| {
                tracing::warn!(cause, "the queue can not be used");
                "queue: documents wait until it is there again; run pidima doctor"
            }),
        ];
        let parts: Vec<String> = told.into_iter().flatten().map(str::to_owned).collect();
        *checked = Some((Instant::now(), parts.clone()));
        parts
    }
}

/// The innermost words of an error, if there is one.
fn away<E: Into<anyhow::Error>>(checked: Result<(), E>) -> Option<String> {
    Some(checked.err()?.into().root_cause().to_string())
}

fn late() -> Option<String> {
    Some("no answer in time".to_owned())
}

/// Whether migrations are missing or a wall between tenants is open.
async fn database_faults(db: &Db) -> Vec<String> {
    let pending = migrate::pending(db).await;
    match pending {
        Err(error) => {
            return vec![format!("the schema can not be read ({error}); run pidima migrate")];
        }
        Ok(pending) if !pending.is_empty() => {
            return vec![format!("{} migration(s) are missing; run pidima migrate", pending.len())];
        }
        Ok(_) => {}
    }
    match db.isolation_violations().await {
        Ok(violations) => violations
            .into_iter()
            .map(|found| format!("{}: {}; {}", found.rule, found.object, found.remedy))
            .collect(),
        Err(error) => vec![format!("the isolation check failed: {error}")],
    }
}

//! Connections between two reads.
//!
//! A connection that goes back to the pool costs the server two round trips more: the rollback that no transaction may do
//! without (see `pool`), and a sign of life. A statement alone leaves no transaction behind, so that a connection which
//! ran only such, each to its end, may serve the next read as it is. Anything else goes back to the pool.
//!
//! Nobody waits long for a connection that is held here: it is held only while the pool has others, and let go of when the
//! pool runs short, also while somebody waits already.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

use crate::telemetry::metrics::{PoolState, metrics};

/// How long a connection that was held unused serves the next read: as long as the pool trusts one without asking. It is
/// the next read that lets go of older ones, or whoever finds the pool short.
const UNUSED: Duration = Duration::from_secs(1);
/// How long it is held in all: then the pool looks at it.
const IN_ALL: Duration = Duration::from_secs(60);

/// How often it is looked for room while somebody waits.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The connections that are held. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    /// Newest last: the most used ones stay, the others run out.
    held: Mutex<Vec<Lease>>,
}

/// A connection for reads.
#[derive(Debug)]
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    since: Instant,
    used: Instant,
}

impl Lease {
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    fn is_over(&self) -> bool {
        self.used.elapsed() >= UNUSED || self.since.elapsed() >= IN_ALL
    }
}

impl Readers {
    pub fn new(pool: PgPool) -> Self {
        Self(Arc::new(Inner { pool, held: Mutex::default() }))
    }

    /// A connection for one statement.
    pub async fn take(&self) -> super::Result<Lease> {
        if let Some(lease) = self.take_held() {
            return Ok(lease);
        }
        let connection = self.with_room(self.0.pool.acquire()).await?;
        let now = Instant::now();
        Ok(Lease { connection, since: now, used: now })
    }

    fn take_held(&self) -> Option<Lease> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are over go back to the pool.
        held.retain(|lease| !lease.is_over());
        held.pop()
    }

    /// Holds a connection for the next read, unless somebody may be waiting for one.
    pub fn give_back(&self, mut lease: Lease) {
        lease.used = Instant::now();
        let pool = &self.0.pool;
        if lease.since.elapsed() >= IN_ALL || self.is_short() {
            return;
        }
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked under the lock: who closes the pool marks it first, and then has all that is held let go.
        if !pool.is_closed() {
            held.push(lease);
        }
    }

    /// Waits for a connection of the pool, and counts how long. What waits may begin a transaction with it.
    pub async fn with_room<T>(&self, waiting: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = self.making_room(waiting).await;
        metrics().connection(began.elapsed().as_secs_f64());
        done
    }

    /// Does what may wait for a connection of the pool among other things. The last one may be taken, or held, between a look
    /// and the wait: so it is looked again and again.
    pub async fn making_room<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.make_room();
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                biased;
                done = &mut waiting => return done,
                () = tokio::time::sleep(LOOK_AGAIN) => self.make_room(),
            }
        }
    }

    /// Lets go of what is held when the pool has nothing else to give.
    fn make_room(&self) {
        if self.is_short() {
            self.let_go();
        }
    }

    /// Lets go of all that is held.
    pub fn let_go(&self) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The connections as they are now. What is held for the next read is idle.
    pub fn state(&self) -> PoolState {
        let pool = &self.0.pool;
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner).len();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (open, idle) = (pool.size(), count(pool.num_idle() + held));
        let most = pool.options().get_max_connections();
        PoolState { in_use: open.saturating_sub(idle), idle, most }
    }

    fn is_short(&self) -> bool {
        let pool = &self.0.pool;
        pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Going back to the pool takes a task, and so a runtime. Without one there is nobody left to serve.
        if tokio::runtime::Handle::try_current().is_err() {
            let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
            held.drain(..).for_each(|lease| drop(lease.connection.leak()));
        }
    }
}

//! Counting in Redis or Valkey, for all instances together.
//!
//! One key for each script, one time-out for each request. The first request that fails ends the use of the server: from
//! then on nobody waits for it, until a task that looks every second has seen it count again. The connection is made anew
//! each time, since one whose replies stay away may stay so for ever.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::gcra::{Taken, Use};
use super::{Limit, LimitKey, Quota, Subject};

/// How often a server that is away is tried.
pub const TRY_EVERY: Duration = Duration::from_secs(1);

/// Why the server did not count.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The setting is no address.
    #[error("the address of Redis can not be read; write it as redis://:password@host:6379/0")]
    Address,
    /// It did not answer in time.
    #[error("redis did not answer within {0:?}; check that it runs and can be reached")]
    Slow(Duration),
    /// It can not be reached, or refuses.
    #[error("redis can not count: {0}")]
    Redis(#[from] RedisError),
}

/// A server that counts.
pub struct SharedLimits {
    client: Client,
    script: Script,
    patience: Duration,
    state: Mutex<State>,
    /// Held while the first connection is made, so that there is one.
    first: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
enum State {
    Untried,
    Up(MultiplexedConnection),
    Away,
}

impl SharedLimits {
    /// A server that nobody has asked yet.
    ///
    /// # Errors
    /// The address can not be read.
    pub fn new(url: &SecretString, patience: Duration) -> Result<Self, SharedError> {
        // The library's error may hold the address, and that a password.
        let client = Client::open(url.expose_secret()).map_err(|_| SharedError::Address)?;
        Ok(Self {
            client,
            script: Script::new(include_str!("gcra.lua")),
            patience,
            state: Mutex::new(State::Untried),
            first: tokio::sync::Mutex::default(),
        })
    }

    /// Takes or charges; `None` while the server is away.
    pub async fn apply(
        self: &Arc<Self>,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
    ) -> Option<Taken> {
        let mut connection = self.connection().await?;
        match self.run(&mut connection, key, quota, used_as, None).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                self.leave(&error);
                None
            }
        }
    }

    /// Whether the server counts now: a connection of its own is made and used.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<(), SharedError> {
        self.connect(TRY_EVERY).await.map(drop)
    }

    /// The script at a time in microseconds; the server's own when absent.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub async fn apply_at(
        &self,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
        now: u64,
    ) -> Result<Taken, SharedError> {
        let mut connection = self.connect(TRY_EVERY).await?;
        self.run(&mut connection, key, quota, used_as, Some(now)).await
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn connection(self: &Arc<Self>) -> Option<MultiplexedConnection> {
        if let State::Untried = self.state() {
            let _first = self.first.lock().await;
            if let State::Untried = self.state() {
                match self.connect(self.patience).await {
                    Ok(connection) => self.set(State::Up(connection)),
                    Err(error) => self.leave(&error),
                }
            }
        }
        match self.state() {
            State::Up(connection) => Some(connection),
            State::Untried | State::Away => None,
        }
    }

    /// A connection over which a count was made.
    async fn connect(&self, patience: Duration) -> Result<MultiplexedConnection, SharedError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection =
            timeout(patience, connecting).await.map_err(|_| SharedError::Slow(patience))??;
        let probe = LimitKey::new(Limit::Address, None, Subject::Whole);
        let quota = Quota { per_minute: 60, burst: 1 };
        let counting = self.script_at(&mut connection, &probe, quota, Use::Charge(1), None);
        timeout(patience, counting).await.map_err(|_| SharedError::Slow(patience))??;
        Ok(connection)
    }

    async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
        now: Option<u64>,
    ) -> Result<Taken, SharedError> {
        let counting = self.script_at(connection, key, quota, used_as, now);
        timeout(self.patience, counting).await.map_err(|_| SharedError::Slow(self.patience))?
    }

    async fn script_at(
        &self,
        connection: &mut MultiplexedConnection,
        key: &LimitKey,
        quota: Quota,
        used_as: Use,
        now: Option<u64>,
    ) -> Result<Taken, SharedError> {
        let (allowed, used): (u8, u64) = self
            .script
            .key(key.as_str())
            .arg(quota.interval())
            .arg(quota.burst.max(1))
            .arg(used_as.units())
            .arg(u8::from(matches!(used_as, Use::Charge(_))))
            .arg(now.map_or(String::new(), |now| now.to_string()))
            .invoke_async(connection)
            .await?;
        Ok(Taken::new(allowed == 1, used, quota))
    }

    /// Asks the server no more until it counts again.
    fn leave(self: &Arc<Self>, error: &SharedError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Away) {
            return;
        }
        *state = State::Away;
        tracing::warn!(%error, "limits are counted by this instance alone");
        // Ends by itself with the last user of the limits.
        TaskTracker::new().spawn(come_back(Arc::downgrade(self)));
    }
}

async fn come_back(limits: Weak<SharedLimits>) {
    loop {
        sleep(TRY_EVERY).await;
        let Some(limits) = limits.upgrade() else { return };
        match limits.connect(TRY_EVERY).await {
            Ok(connection) => {
                limits.set(State::Up(connection));
                tracing::info!("limits are counted in redis again");
                return;
            }
            Err(error) => tracing::debug!(%error, "redis is still away"),
        }
    }
}

impl fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the address: a password stands in it.
        f.debug_struct("SharedLimits").field("patience", &self.patience).finish_non_exhaustive()
    }
}

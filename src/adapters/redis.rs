//! The one connection of this process to Redis or Valkey, shared by all who count, cache or tell events there.
//!
//! One time-out for each request. The first request that finds the server gone ends its use: from then on every request
//! fails at once, until a task that looks every second has seen it write again. The connection is made anew each time,
//! since one whose replies stay away may stay so for ever (the library's own manager keeps it). Nothing here is the only
//! copy of anything: each user says what it does without the server.

mod error;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, Script, TlsCertificates,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::aws::{Aws, SignedServer};
pub use error::RedisError;

/// How often a server that is away is tried.
pub const TRY_EVERY: Duration = Duration::from_secs(1);

/// A server that only reads, or has no memory left, is of no use: the trial writes, and by a script as its users do.
const TRIAL: &str = "redis.call('SET', KEYS[1], '1', 'PX', 60000) return 1";
const TRIAL_KEY: &str = "pidima:trial";

/// How a certificate begins in PEM.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A server and the connection to it. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    client: Client,
    /// What makes the password of each connection; absent: it stands in the address, if there is one.
    sign_in: Option<(Aws, SignedServer)>,
    patience: Duration,
    state: Mutex<State>,
    /// Held while the first connection is made, so that there is one.
    first: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
enum State {
    Untried,
    /// With the number of the connection, so that a late failure of an old one does not end the new one.
    Up(MultiplexedConnection, u64),
    Away,
}

impl Redis {
    /// A server that nobody has asked yet, over TLS when its address begins with `rediss://`: then its certificate must be
    /// of an authority that the system trusts. Nobody waits longer than `patience` for a reply.
    ///
    /// # Errors
    /// The address can not be read.
    pub fn new(url: &SecretString, patience: Duration) -> Result<Self, RedisError> {
        // The library's error may hold the address, and that a password.
        let client = Client::open(url.expose_secret()).map_err(|_| RedisError::Address)?;
        Ok(Self::of(client, patience))
    }

    /// The same over TLS, with authorities of its own, in PEM, in place of those of the system. The address begins with
    /// `rediss://`.
    ///
    /// # Errors
    /// The address can not be read, or there is no certificate in the PEM.
    pub fn trusting(
        url: &SecretString,
        authorities: Vec<u8>,
        patience: Duration,
    ) -> Result<Self, RedisError> {
        let url = url.expose_secret();
        Client::open(url).map_err(|_| RedisError::Address)?;
        // Checked here, since the library takes a PEM without any for one with none to trust.
        if !authorities.windows(BEGIN.len()).any(|window| window == BEGIN) {
            return Err(RedisError::Authorities);
        }
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(authorities) };
        let client =
            Client::build_with_tls(url, certificates).map_err(|_| RedisError::Authorities)?;
        Ok(Self::of(client, patience))
    }

    /// The same server, each connection to which has a password that is signed for it. To be called before anybody asks.
    #[must_use]
    pub fn signed_in(&self, aws: Aws, server: SignedServer) -> Self {
        Self::with(self.0.client.clone(), Some((aws, server)), self.0.patience)
    }

    fn of(client: Client, patience: Duration) -> Self {
        Self::with(client, None, patience)
    }

    fn with(client: Client, sign_in: Option<(Aws, SignedServer)>, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            client,
            sign_in,
            patience,
            state: Mutex::new(State::Untried),
            first: tokio::sync::Mutex::default(),
        }))
    }

    /// Longest wait for a reply.
    pub fn patience(&self) -> Duration {
        self.0.patience
    }

    /// Asks with one command.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub async fn query<T: FromRedisValue>(&self, command: Cmd) -> Result<T, RedisError> {
        self.run(|mut connection| async move { command.query_async(&mut connection).await }).await
    }

    /// Asks over the shared connection; what blocks the server does not belong here.
    ///
    /// # Errors
    /// At once while the server is away; else it did not answer in time, is gone, or refused.
    pub async fn run<T, F>(
        &self,
        ask: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, RedisError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let (connection, number) = self.connection().await.ok_or(RedisError::Away)?;
        let error = match timeout(self.0.patience, ask(connection)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => RedisError::from(error),
            Err(_) => RedisError::Slow(self.0.patience),
        };
        if error.is_of_the_server() {
            self.0.leave(number, &error);
        }
        Err(error)
    }

    /// Whether the server is of use now: a connection of its own is made and tried.
    ///
    /// # Errors
    /// It is not, for this reason.
    pub async fn check(&self) -> Result<(), RedisError> {
        self.0.connect(TRY_EVERY).await.map(drop)
    }

    /// A connection of the caller's own, for commands that wait in the server; the caller bounds each wait.
    ///
    /// # Errors
    /// At once while the server is away; else none could be made.
    pub async fn own_connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let (_, number) = self.connection().await.ok_or(RedisError::Away)?;
        let connecting = self.0.open(self.0.patience);
        connecting.await.inspect_err(|error| self.0.leave(number, error))
    }

    async fn connection(&self) -> Option<(MultiplexedConnection, u64)> {
        let inner = &self.0;
        if let State::Untried = inner.state() {
            let _first = inner.first.lock().await;
            if let State::Untried = inner.state() {
                match inner.connect(inner.patience).await {
                    Ok(connection) => inner.set(State::Up(connection, 1)),
                    Err(error) => inner.leave(0, &error),
                }
            }
        }
        match inner.state() {
            State::Up(connection, number) => Some((connection, number)),
            State::Untried | State::Away => None,
        }
    }
}

impl Inner {
    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The waits are bounded here and by the callers: a limit of the library's would end some of them with an error that
    /// reads like one of the server.
    async fn open(&self, patience: Duration) -> Result<MultiplexedConnection, RedisError> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = async {
            let client = self.client().await?;
            Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
        };
        timeout(patience, connecting).await.map_err(|_| RedisError::Slow(patience))?
    }

    /// The server with a password that is good now.
    async fn client(&self) -> Result<Client, RedisError> {
        let Some((aws, server)) = &self.sign_in else { return Ok(self.client.clone()) };
        let password = aws.password_for(server).await?;
        let info = self.client.get_connection_info();
        let settings = info.redis_settings().clone().set_password(password.expose_secret());
        Ok(Client::open(info.clone().set_redis_settings(settings))?)
    }

    /// A connection over which something was written.
    async fn connect(&self, patience: Duration) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = self.open(patience).await?;
        let trial = Script::new(TRIAL);
        let call = trial.key(TRIAL_KEY);
        let writing = call.invoke_async::<()>(&mut connection);
        timeout(patience, writing).await.map_err(|_| RedisError::Slow(patience))??;
        Ok(connection)
    }

    /// Asks the server no more until it writes again.
    fn leave(self: &Arc<Self>, number: u64, error: &RedisError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Away => return,
            State::Up(_, current) if current != number => return,
            State::Up(..) | State::Untried => *state = State::Away,
        }
        tracing::warn!(%error, "redis is left alone until it answers again");
        // Ends by itself with the last user of the server.
        TaskTracker::new().spawn(come_back(Arc::downgrade(self), number + 1));
    }
}

async fn come_back(redis: Weak<Inner>, number: u64) {
    loop {
        sleep(TRY_EVERY).await;
        let Some(redis) = redis.upgrade() else { return };
        match redis.connect(TRY_EVERY).await {
            Ok(connection) => {
                redis.set(State::Up(connection, number));
                tracing::info!("redis answers again");
                return;
            }
            Err(error) => tracing::debug!(%error, "redis is still away"),
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the address: a password stands in it.
        f.debug_struct("Redis").field("patience", &self.0.patience).finish_non_exhaustive()
    }
}

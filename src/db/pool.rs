//! The pool, and the hook without which a connection could carry one request's transaction into the next.
//!
//! sqlx (through 0.9.0) is not cancel-safe in `begin`: a future dropped while BEGIN is in flight gives the connection back
//! inside an open transaction (launchbadge/sqlx#4385). So every connection that comes back is rolled back, and closed
//! unless it holds no tenant. `tests/it/pool.rs` cancels 10,000 begins to keep this.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row};

use super::isolation::{self, Violation};
use super::readers::Readers;
use super::{Result, SystemTx, TenantRead, TenantTx};
use crate::kernel::ids::TenantId;
use crate::telemetry::metrics::PoolState;

/// How long a connection that waits is trusted to be alive.
const TRUSTED: Duration = Duration::from_secs(1);

/// Time for a connection with a new password.
const TRIED: Duration = Duration::from_secs(5);

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// Connection string of the service's role.
    pub url: SecretString,
    /// Open connections of this process, at most.
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
}

/// Handle of the database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    readers: Readers,
}

impl Db {
    /// Opens the pool. Connections are made when needed, so that the database may come up after us.
    ///
    /// # Errors
    /// The connection string is not valid.
    pub fn open(settings: &PoolSettings) -> Result<Self> {
        let pool = pool_options(settings).connect_lazy_with(connect_options(&settings.url)?);
        Ok(Self { readers: Readers::new(pool.clone()), pool })
    }

    /// Makes new connections with the password of this connection string, if nothing but the password is another; whether it
    /// is so. The password is tried first. Connections that are open stay, until their lifetime ends.
    ///
    /// # Errors
    /// The connection string is not valid, or the server refuses the password: then that before is used on.
    pub async fn renew_password(&self, url: &SecretString) -> Result<bool> {
        let (old, new) = (self.pool.connect_options(), connect_options(url)?);
        let (mut before, mut after) = (old.to_url_lossy(), new.to_url_lossy());
        if before == after && old.get_options() == new.get_options() {
            return Ok(true);
        }
        for url in [&mut before, &mut after] {
            // It can not be taken out of an address without a host, which differs then.
            let _ = url.set_password(None);
        }
        if before != after || old.get_options() != new.get_options() {
            return Ok(false);
        }
        let tried = tokio::time::timeout(TRIED, PgConnection::connect_with(&new)).await;
        tried.unwrap_or(Err(sqlx::Error::PoolTimedOut))?.close().await?;
        self.pool.set_connect_options(new);
        Ok(true)
    }

    /// Begins a transaction that sees and writes one tenant's rows.
    ///
    /// # Errors
    /// No connection, or the server refused.
    pub async fn tenant(&self, tenant: TenantId) -> Result<TenantTx> {
        self.readers.with_room(TenantTx::begin(&self.pool, tenant)).await
    }

    /// Begins a transaction that sees one tenant's rows as they are now, whatever is committed meanwhile, and writes
    /// nothing: for what is read in several statements and must agree.
    ///
    /// # Errors
    /// No connection, or the server refused.
    pub async fn tenant_snapshot(&self, tenant: TenantId) -> Result<TenantTx> {
        self.readers.with_room(TenantTx::begin_snapshot(&self.pool, tenant)).await
    }

    /// The same for a search: its plans are made for the values at hand, so that partitions are pruned and filters that are
    /// absent vanish.
    ///
    /// # Errors
    /// No connection, or the server refused.
    pub async fn tenant_search(&self, tenant: TenantId) -> Result<TenantTx> {
        self.readers.with_room(TenantTx::begin_search(&self.pool, tenant)).await
    }

    /// A transaction for the work of many: it fails with an error that is [worth another try](super::Error::is_retryable) when
    /// one of them is locked for half a second, so that the others do not wait for that one.
    ///
    /// # Errors
    /// No connection, or the server refused.
    pub async fn tenant_impatient(&self, tenant: TenantId) -> Result<TenantTx> {
        TenantTx::begin_impatient(&self.pool, tenant).await
    }

    /// One look at one tenant's rows, in one round trip.
    ///
    /// # Errors
    /// No connection.
    pub async fn read(&self, tenant: TenantId) -> Result<TenantRead> {
        Ok(TenantRead::new(self.readers.take().await?, self.readers.clone(), tenant))
    }

    /// Begins a transaction that sees no tenant's rows: for the queue and the operator's directory.
    ///
    /// # Errors
    /// No connection, or the server refused.
    pub async fn system(&self) -> Result<SystemTx> {
        self.readers.with_room(SystemTx::begin(&self.pool)).await
    }

    /// What is wrong with the walls between tenants; empty when all is well.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub async fn isolation_violations(&self) -> Result<Vec<Violation>> {
        let mut connection = self.readers.with_room(self.pool.acquire()).await?;
        let mut violations = isolation::violations(&mut connection).await?;
        if isolation::can_bypass(&mut connection).await? {
            violations.push(Violation {
                rule: "the service's own role bypasses row-level security".to_owned(),
                object: "current_user".to_owned(),
                remedy: "connect as pidima_app, not as a superuser or with bypassrls".to_owned(),
            });
        }
        Ok(violations)
    }

    /// Versions of the migrations that the database has.
    pub(super) async fn applied_migrations(&self) -> Result<Vec<i64>> {
        let rows = sqlx::query_scalar("select version from app._sqlx_migrations where success")
            .fetch_all(&self.pool);
        Ok(self.readers.making_room(rows).await?)
    }

    /// Version of the vector extension.
    ///
    /// # Errors
    /// It is not installed, or the server is away.
    pub async fn vector_version(&self) -> Result<String> {
        let version =
            sqlx::query_scalar("select extversion from pg_extension where extname = 'vector'")
                .fetch_one(&self.pool);
        Ok(self.readers.making_room(version).await?)
    }

    /// Months from this one on that have a partition of their own.
    ///
    /// # Errors
    /// The server is away.
    pub async fn months_prepared(&self) -> Result<i64> {
        let months = sqlx::query_scalar(
            "select count(*)
            from pg_inherits i
            join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'app.messages'::regclass
                and c.relname >= 'messages_' || to_char(now() at time zone 'UTC', 'YYYY_MM')
                and c.relname <> 'messages_default'",
        )
        .fetch_one(&self.pool);
        Ok(self.readers.making_room(months).await?)
    }

    /// The connections of this process, as they are now.
    pub fn pool_state(&self) -> PoolState {
        self.readers.state()
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// It gave none.
    pub async fn ping(&self) -> Result<()> {
        self.readers.making_room(sqlx::query("select 1").execute(&self.pool)).await?;
        Ok(())
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        let closing = self.pool.close();
        self.readers.let_go();
        closing.await;
    }
}

fn connect_options(url: &SecretString) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url.expose_secret())?
        .application_name("pidima")
        .options([("search_path", "app,public"), ("client_min_messages", "error")]))
}

/// The pool as [`Db`] opens it.
pub fn pool_options(settings: &PoolSettings) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        // A ping at each take would be a round trip more: the hook below already talks to the server at each return. But
        // a connection that waited long may have died meanwhile, as when the server was started again.
        .test_before_acquire(false)
        .before_acquire(|connection, waited| Box::pin(is_alive(connection, waited.idle_for)))
        .max_lifetime(Duration::from_secs(30 * 60))
        .idle_timeout(Duration::from_secs(5 * 60))
        .after_release(|connection, _| Box::pin(is_clean(connection)))
}

/// An error closes the connection, and the next one is taken.
async fn is_alive(
    connection: &mut PgConnection,
    idle_for: Duration,
) -> std::result::Result<bool, sqlx::Error> {
    if idle_for > TRUSTED {
        connection.ping().await?;
    }
    Ok(true)
}

/// One round trip: end whatever is open, then tell whether a tenant is still set. `false` closes the connection.
async fn is_clean(connection: &mut PgConnection) -> std::result::Result<bool, sqlx::Error> {
    let row = sqlx::raw_sql(
        // `begin` first: a rollback outside a transaction would be a warning in the server's log, at every return.
        "begin; rollback; select coalesce(current_setting('app.tenant_id', true), '') = '' as clean",
    )
    .fetch_one(connection)
    .await?;
    row.try_get("clean")
}

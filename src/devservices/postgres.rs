//! A real PostgreSQL server as a child of this process. Called by `guard`. It must not create
//! roles, databases or extensions: that is the migrations' work.
//!
//! Why not the crate `postgresql_embedded` (0.22): it can use programs that are there already, but
//! it runs them as the user it runs as, and PostgreSQL refuses root, who is the user in most
//! containers; it always passes `-F`, so that a demo's data is not synced to disk; it starts the
//! server detached through `pg_ctl`, which leaves no child to watch; it knows a running server by
//! the mere presence of `postmaster.pid`, also after a `kill -9`; and it compiles in a downloader
//! that has nothing to do here. What is needed is `initdb`, `postgres` and a wait, kept here and in
//! `cluster`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::ServiceError;
use super::account::Account;
use super::process::{self, Log};
use super::{cluster, ports};

const NAME: &str = "PostgreSQL";
/// Replaying the log after a crash counts as starting.
const READY_DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// How often a port that another program took in between is replaced.
const PORT_TRIES: usize = 5;

/// How to run the server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The services' folder, absolute; the cluster lies in `postgres/` inside it.
    pub home: PathBuf,
    /// The folder of `initdb` and `postgres`.
    pub bin_dir: PathBuf,
    /// `false` for tests: faster, and the data may be lost when the machine (not the server)
    /// crashes.
    pub durable: bool,
    /// The port to take; `None` for the one of the last start when free, else any free one.
    pub port: Option<u16>,
    /// How many connections the server takes.
    pub max_connections: u16,
}

/// Where the server is and how to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresInfo {
    /// Always 127.0.0.1.
    pub host: String,
    /// Never 5432.
    pub port: u16,
    /// The superuser's name.
    pub user: String,
    /// The superuser's password.
    pub password: String,
    /// `postgres://user:password@host:port/postgres` of the superuser.
    pub url: String,
    /// The folder of `psql` and the other client programs.
    pub bin_dir: PathBuf,
}

/// A server that answers. Dropped without `stop`, it is killed, and recovers at the next start.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    info: PostgresInfo,
    log: Log,
}

impl Postgres {
    /// Starts the server, making the cluster first if need be, and waits until it answers. The
    /// caller holds the lock of `options.home`.
    pub async fn start(options: &PostgresOptions) -> Result<Postgres, ServiceError> {
        let account = Account::for_services()?;
        if let Some(account) = account.as_ref().filter(|user| !user.may_enter(&options.bin_dir)) {
            let (account, path) = (account.name.clone(), options.bin_dir.clone());
            return Err(ServiceError::Unreachable { account, path });
        }
        cluster::end_leftover(&options.home).await?;
        let password =
            cluster::prepare(&options.home, &options.bin_dir, options.durable, account.as_ref())
                .await?;
        let memory = options.home.join("postgres.port");
        let mut refused = Vec::new();
        loop {
            let port = ports::choose(options.port, &memory, &refused)?;
            let info = describe(options, port, &password);
            match launch(options, info, account.as_ref()).await {
                Ok(server) => return ports::remember(&memory, port).map(|()| server),
                Err(error) if refused.len() >= PORT_TRIES || !lost_port(&error) => {
                    return Err(error);
                }
                Err(_) => refused.push(port),
            }
        }
    }

    /// Where it is.
    pub fn info(&self) -> &PostgresInfo {
        &self.info
    }

    /// Waits until the server ends by itself, and tells how. Safe to drop and call again.
    pub async fn ended(&mut self) -> ServiceError {
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let log = self.log.path.clone();
        ServiceError::Died { service: NAME, status, log, tail: self.log.tail() }
    }

    /// Ends all sessions, writes everything down and waits for the end ("fast shutdown").
    pub async fn stop(mut self) -> Result<(), ServiceError> {
        let steps =
            [(Signal::INT, Duration::from_secs(30)), (Signal::QUIT, Duration::from_secs(10))];
        process::end(&mut self.child, &steps).await
    }

    /// Ends the server at once, without writing: for data that nobody will read again.
    pub async fn abandon(mut self) -> Result<(), ServiceError> {
        process::end(&mut self.child, &[(Signal::QUIT, Duration::from_secs(10))]).await
    }
}

fn describe(options: &PostgresOptions, port: u16, password: &str) -> PostgresInfo {
    let user = cluster::SUPERUSER;
    PostgresInfo {
        host: "127.0.0.1".to_owned(),
        port,
        user: user.to_owned(),
        password: password.to_owned(),
        url: format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres"),
        bin_dir: options.bin_dir.clone(),
    }
}

async fn launch(
    options: &PostgresOptions,
    info: PostgresInfo,
    account: Option<&Account>,
) -> Result<Postgres, ServiceError> {
    let data = cluster::data_dir(&options.home);
    let (log, output) = Log::open(&options.home.join("postgres.log"))?;
    let errors =
        output.try_clone().map_err(|error| ServiceError::path("open", &log.path, error))?;
    let program = options.bin_dir.join("postgres");
    let mut command = cluster::command(&program, &options.home, account);
    command.arg("-D").arg(&data);
    for setting in settings(options, &data, info.port) {
        command.args(["-c", &setting]);
    }
    command.stdout(Stdio::from(output)).stderr(Stdio::from(errors));
    let child = command.spawn().map_err(|source| ServiceError::Spawn { program, source })?;
    let mut server = Postgres { child, info, log };
    match wait_until_ready(&mut server, &options.home).await {
        Ok(()) => Ok(server),
        Err(error) => {
            server.abandon().await?;
            Err(error)
        }
    }
}

/// Sized for a laptop. Given on the command line, they hold for a cluster of an earlier version
/// too. System V shared memory is not bounded by a container's small /dev/shm, where a parallel
/// index build would fail. There is no Unix socket: over TCP every login needs the password.
fn settings(options: &PostgresOptions, data: &Path, port: u16) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        format!("max_connections={}", options.max_connections),
        format!("cluster_name={}", cluster::cluster_name(data)),
    ];
    let mut add = |fixed: &[&str]| settings.extend(fixed.iter().map(|one| (*one).to_owned()));
    add(&[
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "password_encryption=scram-sha-256",
        "dynamic_shared_memory_type=sysv",
        "shared_buffers=128MB",
        "work_mem=16MB",
        "maintenance_work_mem=256MB",
        "max_wal_size=1GB",
        "jit=off",
        "timezone=UTC",
        "log_checkpoints=off",
    ]);
    if !options.durable {
        add(&[
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "checkpoint_timeout=30min",
            "scram_iterations=16",
            // Tests count statements.
            "shared_preload_libraries=pg_stat_statements",
            "pg_stat_statements.max=20000",
        ]);
    }
    settings
}

async fn wait_until_ready(server: &mut Postgres, home: &Path) -> Result<(), ServiceError> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let answer = timeout(Duration::from_secs(5), ping(&server.info)).await;
        let reason = match answer {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer within 5 s".to_owned(),
        };
        if let Ok(Some(status)) = server.child.try_wait() {
            return Err(ServiceError::EndedEarly {
                service: NAME,
                status: status.to_string(),
                log: server.log.path.clone(),
                tail: server.log.tail(),
            });
        }
        // Only the server that lives here with this log writes this line.
        if server.log.tail().contains("password authentication failed for user \"postgres\"") {
            let path = cluster::password_file(home);
            return Err(ServiceError::PasswordRefused { path, reason });
        }
        if Instant::now() >= deadline {
            return Err(ServiceError::NotReady {
                service: NAME,
                seconds: READY_DEADLINE.as_secs(),
                reason,
                log: server.log.path.clone(),
                tail: server.log.tail(),
            });
        }
        sleep(POLL).await;
    }
}

async fn ping(info: &PostgresInfo) -> Result<(), sqlx::Error> {
    let connection = PgConnectOptions::new_without_pgpass()
        .host(&info.host)
        .port(info.port)
        .username(&info.user)
        .password(&info.password)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging()
        .connect()
        .await?;
    connection.close().await
}

/// Whether another program took the port between the choice and the start.
fn lost_port(error: &ServiceError) -> bool {
    matches!(error, ServiceError::EndedEarly { tail, .. } if tail.contains("Address already in use"))
}

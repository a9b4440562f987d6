//! The body of `pidima services`: starts the servers, prints one line of JSON, and stops them when
//! standard input ends, on a signal, or when one of them dies. Called by the command line alone;
//! the other side is `services`. A pipe's end is closed by the system however its holder dies,
//! which is why the servers cannot outlive their user. It must not write anything else to standard
//! output.

use std::future::Future;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::ServiceError;
use super::account::Account;
use super::packages::{PackageCache, PackageError};
use super::pins::{POSTGRES, Package, VALKEY};
use super::postgres::{Postgres, PostgresOptions};
use super::services::{Answer, ServicesInfo};
use super::storage::Storage;
use super::valkey::{Valkey, ValkeyOptions};
use super::{cluster, valkey};

/// A parallel test run opens many small pools.
const CONNECTIONS_EPHEMERAL: u16 = 300;
const CONNECTIONS_KEPT: u16 = 100;

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct GuardOptions {
    /// `--data DIR`; `None` is `--ephemeral`: a temporary folder, removed at the end.
    pub data: Option<PathBuf>,
    /// `false` is `--without-valkey`.
    pub valkey: bool,
}

struct Servers {
    postgres: Postgres,
    valkey: Option<Valkey>,
}

/// Runs the services until `stdin` ends or SIGTERM, SIGINT or SIGHUP comes. Standard output gets
/// `{"postgres": {…}, "valkey": url or null, "data": path}` once they answer, or `{"error": text}`,
/// so the caller has nothing to print. `stdin` is read on a thread of its own, which does not keep
/// the process from ending.
pub async fn run_guard(options: GuardOptions, stdin: impl Read + Send + 'static) -> ExitCode {
    match run(options, stdin).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A parent that is gone cannot be told; the log still is.
            let _unheard = tell(&Answer::Failed { error: error.to_string() });
            tracing::debug!(%error, "the services end with an error");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: GuardOptions, stdin: impl Read + Send + 'static) -> Result<(), ServiceError> {
    let stop = stop_request(stdin)?;
    tokio::pin!(stop);
    let storage = tokio::select! {
        () = &mut stop => return Ok(()),
        opened = open_storage(&options) => opened?,
    };
    let result = serve(&options, &storage, stop).await;
    let cleaned = match options.data {
        Some(_) => Ok(()),
        None => remove(storage).await,
    };
    result.and(cleaned)
}

async fn open_storage(options: &GuardOptions) -> Result<Storage, ServiceError> {
    let account = Account::for_services()?;
    match &options.data {
        Some(dir) => Storage::open(dir, account.as_ref()).await,
        None => Storage::temporary(account.as_ref()).await,
    }
}

async fn serve(
    options: &GuardOptions,
    storage: &Storage,
    mut stop: impl Future<Output = ()> + Unpin,
) -> Result<(), ServiceError> {
    // Dropping the start half-way kills what it has started.
    let mut servers = tokio::select! {
        () = &mut stop => return Ok(()),
        started = start(options, storage) => started?,
    };
    let info = ServicesInfo {
        postgres: servers.postgres.info().clone(),
        valkey: servers.valkey.as_ref().map(|server| server.url().to_owned()),
        data: storage.dir().to_owned(),
    };
    let ended = match tell(&Answer::Ready(info)) {
        Err(_) => Ok(()),
        Ok(()) => tokio::select! {
            () = &mut stop => Ok(()),
            error = servers.ended() => Err(error),
        },
    };
    let stopped = servers.stop(options.data.is_some()).await;
    ended.and(stopped)
}

async fn start(options: &GuardOptions, storage: &Storage) -> Result<Servers, ServiceError> {
    let cache = PackageCache::locate();
    let durable = options.data.is_some();
    let home = storage.dir().to_owned();
    let valkey_home = home.clone();
    let postgres = async {
        let bin_dir = installed_or_fetched("PIDIMA_POSTGRES_BIN", &cache, &POSTGRES).await?;
        let max_connections = if durable { CONNECTIONS_KEPT } else { CONNECTIONS_EPHEMERAL };
        let wanted = PostgresOptions { home, bin_dir, durable, port: None, max_connections };
        Postgres::start(&wanted).await
    };
    let valkey = async {
        if !options.valkey {
            return Ok(None);
        }
        let program = installed_or_fetched("PIDIMA_VALKEY_SERVER", &cache, &VALKEY).await?;
        let wanted = ValkeyOptions { home: valkey_home, program, port: None };
        Valkey::start(&wanted).await.map(Some)
    };
    let (postgres, valkey) = tokio::try_join!(postgres, valkey)?;
    Ok(Servers { postgres, valkey })
}

impl Servers {
    async fn ended(&mut self) -> ServiceError {
        let Some(valkey) = &mut self.valkey else {
            return self.postgres.ended().await;
        };
        tokio::select! {
            error = self.postgres.ended() => error,
            error = valkey.ended() => error,
        }
    }

    async fn stop(self, keep: bool) -> Result<(), ServiceError> {
        let valkey = async {
            match self.valkey {
                Some(server) => server.stop().await,
                None => Ok(()),
            }
        };
        let postgres =
            async { if keep { self.postgres.stop().await } else { self.postgres.abandon().await } };
        let (postgres, valkey) = tokio::join!(postgres, valkey);
        postgres.and(valkey)
    }
}

/// The path in the environment variable, else the package's entry.
#[expect(
    clippy::disallowed_methods,
    reason = "the guard is a process of its own, without settings"
)]
async fn installed_or_fetched(
    variable: &str,
    cache: &Result<PackageCache, PackageError>,
    package: &Package,
) -> Result<PathBuf, ServiceError> {
    let set = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set {
        return path.canonicalize().map_err(|error| ServiceError::path("find", &path, error));
    }
    match cache {
        Ok(cache) => Ok(cache.ensure(package).await?),
        Err(_) => Err(PackageError::NoHome.into()),
    }
}

/// Ready when the parent is gone or a signal asks for the end.
fn stop_request(
    mut stdin: impl Read + Send + 'static,
) -> Result<impl Future<Output = ()>, ServiceError> {
    let listen = |kind: SignalKind| signal(kind).map_err(ServiceError::Signal);
    let mut signals = [
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
        listen(SignalKind::hangup())?,
    ];
    let (sender, receiver) = oneshot::channel();
    let reader = move || {
        // What comes is of no interest; that nothing more can come is.
        while !matches!(stdin.read(&mut [0; 256]), Ok(0)) {}
        let _unheard = sender.send(());
    };
    let thread = std::thread::Builder::new().name("stdin".to_owned()).spawn(reader);
    thread.map_err(ServiceError::Signal)?;
    Ok(async move {
        let [terminate, interrupt, hangup] = &mut signals;
        tokio::select! {
            _ = receiver => {}
            () = received(terminate) => {}
            () = received(interrupt) => {}
            () = received(hangup) => {}
        }
    })
}

async fn received(signal: &mut Signal) {
    signal.recv().await;
}

fn tell(answer: &Answer) -> io::Result<()> {
    let line = serde_json::to_string(answer).map_err(io::Error::other)?;
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// Waits for processes killed half-way before their files go.
async fn remove(storage: Storage) -> Result<(), ServiceError> {
    cluster::end_leftover(storage.dir()).await?;
    valkey::end_leftover(storage.dir()).await?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match storage.clear() {
            Err(_) if attempts < 50 => tokio::time::sleep(Duration::from_millis(100)).await,
            result => return result,
        }
    }
}

//! Real PostgreSQL and Valkey for `pidima demo` and `cargo test`: fetched as pinned packages,
//! started by this binary, gone when their user is gone. `Services::spawn` is what the demo and the
//! tests call; `run_guard` is the body of the command `pidima services`; `PackageCache` also serves
//! the in-process embedder. Nothing of this runs where `DATABASE_URL` is given, and it must not
//! know what is stored in the database.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

mod account;
mod cluster;
mod guard;
mod packages;
mod pins;
mod ports;
mod postgres;
mod process;
mod services;
mod storage;
mod valkey;
mod wheels;

pub use guard::{GuardOptions, run_guard};
pub use packages::{PackageCache, PackageError};
pub use pins::{
    MINILM_MODEL, MINILM_TOKENIZER, ONNXRUNTIME, POSTGRES, Package, Platform, VALKEY, Wheel,
};
pub use ports::free_port;
pub use postgres::{Postgres, PostgresInfo, PostgresOptions};
pub use services::{Services, ServicesInfo, ServicesOptions};
pub use valkey::{Valkey, ValkeyOptions};

/// Why the services could not be started, kept or stopped.
#[derive(Debug, Error)]
pub enum ServiceError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("cannot {action} {path}: {source}")]
    Path { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot start {program}: {source}")]
    Spawn { program: PathBuf, source: io::Error },
    #[error(
        "PostgreSQL refuses to run as root, and no account \"nobody\" is in /etc/passwd to run it \
         as: start as an ordinary user, or set DATABASE_URL to a running PostgreSQL"
    )]
    NoAccount,
    #[error(
        "the account {account} that runs the services (they refuse root) cannot enter {path}: \
         choose a folder whose parents everyone may enter"
    )]
    Unreachable { account: String, path: PathBuf },
    #[error("the folder {path} is in use by another pidima (process {holder}): stop it first")]
    InUse { path: PathBuf, holder: String },
    #[error("initdb failed ({status}) for {path}:\n{output}")]
    Initdb { path: PathBuf, status: String, output: String },
    #[error(
        "{path} is missing, and without the superuser's password the database beside it cannot \
         be used: restore the file, or remove the folder to start anew"
    )]
    PasswordMissing { path: PathBuf },
    #[error("the superuser's password in {path} is refused by the database beside it: {reason}")]
    PasswordRefused { path: PathBuf, reason: String },
    #[error("port {port} on 127.0.0.1 cannot be used: {source}")]
    Port { port: u16, source: io::Error },
    #[error("no free port was found on 127.0.0.1")]
    NoPort,
    #[error("{service} ended while starting ({status}); the end of {log}:\n{tail}")]
    EndedEarly { service: &'static str, status: String, log: PathBuf, tail: String },
    #[error("{service} was not ready after {seconds} s ({reason}); the end of {log}:\n{tail}")]
    NotReady { service: &'static str, seconds: u64, reason: String, log: PathBuf, tail: String },
    #[error("{service} ended by itself ({status}); the end of {log}:\n{tail}")]
    Died { service: &'static str, status: String, log: PathBuf, tail: String },
    #[error("processes {pids:?} of an earlier run still use {path} and do not end: kill them")]
    Leftover { path: PathBuf, pids: Vec<i32> },
    #[error("the service process could not be asked to stop: {0}")]
    Signal(io::Error),
    #[error("{0}")]
    Guard(String),
    #[error("the service process ended without an answer ({status}); its own messages tell why")]
    GuardSilent { status: String },
    #[error("the service process answered with something else than its line: {line:?}")]
    GuardAnswer { line: String },
}

impl ServiceError {
    /// An input or output error met while doing `action` ("create", "read", ...) at `path`.
    fn path(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Path { action, path: path.to_owned(), source }
    }
}

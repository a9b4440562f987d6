//! The folder in which the services keep their state: who holds it, where it lies, and what is left
//! of temporary ones whose holder was killed. Called by `guard` alone. Layout: `guard.lock`,
//! `postgres/` and `valkey/` (the servers' own), `*.password` (0600), `*.port`, `*.log`.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rand::random;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::ServiceError;
use super::account::{Account, make_dir};
use super::{cluster, valkey};

const LOCK: &str = "guard.lock";
const TEMPORARY: &str = "pidima-services-";
/// A holder whose parent has just died needs a moment to stop its servers.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);
/// Younger temporary folders may belong to a run that is about to take its lock.
const STALE_AFTER: Duration = Duration::from_secs(60);

/// A folder held by this process; the hold ends with the value, or with the process.
#[derive(Debug)]
pub struct Storage {
    dir: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Storage {
    /// Opens the folder `dir` for the services that run as `account`.
    pub async fn open(dir: &Path, account: Option<&Account>) -> Result<Self, ServiceError> {
        let wanted =
            std::path::absolute(dir).map_err(|error| ServiceError::path("find", dir, error))?;
        let wanted = reachable(wanted, account);
        // Root's folder must let the services' account through to theirs; nobody needs to list it.
        let mode = if account.is_some() { 0o711 } else { 0o700 };
        make_dir(&wanted, mode).map_err(|error| ServiceError::path("create", &wanted, error))?;
        let dir = fs::canonicalize(&wanted)
            .map_err(|error| ServiceError::path("find", &wanted, error))?;
        if let Some(account) = account.filter(|account| !account.may_enter(&dir)) {
            return Err(ServiceError::Unreachable { account: account.name.clone(), path: dir });
        }
        let lock = take_lock(&dir).await?;
        Ok(Self { dir, _lock: lock })
    }

    /// Opens a new folder under the system's temporary one.
    pub async fn temporary(account: Option<&Account>) -> Result<Self, ServiceError> {
        let usual = std::env::temp_dir();
        let blocked = account.is_some_and(|account| !account.may_enter(&usual));
        let parent = if blocked { PathBuf::from("/tmp") } else { usual };
        sweep(&parent).await;
        let name = format!("{TEMPORARY}{}", hex::encode(random::<[u8; 8]>()));
        Self::open(&parent.join(name), account).await
    }

    /// The folder itself, absolute and without symbolic links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Removes the folder with all that is in it; to be called once more when it fails because a
    /// process still writes there.
    pub fn clear(&self) -> Result<(), ServiceError> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ServiceError::path("remove", &self.dir, error))
            }
            _ => Ok(()),
        }
    }
}

/// `dir`, or for root with a `dir` that the services' account cannot enter (root's home, say) a
/// folder of the same name, and of no other path, where it can.
fn reachable(dir: PathBuf, account: Option<&Account>) -> PathBuf {
    let Some(account) = account.filter(|account| !account.may_enter(&dir)) else {
        return dir;
    };
    let print = hex::encode(Sha256::digest(dir.as_os_str().as_encoded_bytes()));
    let name = dir.file_name().and_then(OsStr::to_str).unwrap_or("data").trim_start_matches('.');
    let other = PathBuf::from(format!("/var/lib/pidima/{name}-{}", print.get(..8).unwrap_or("")));
    tracing::warn!(
        wanted = %dir.display(), used = %other.display(), account = account.name,
        "the account that runs the database cannot enter this folder, so another one is used"
    );
    other
}

async fn take_lock(dir: &Path) -> Result<File, ServiceError> {
    let path = dir.join(LOCK);
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| ServiceError::path("open", &path, error))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => {
                return Err(ServiceError::path("lock", &path, error));
            }
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                let holder = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
                return Err(ServiceError::InUse { path: dir.to_owned(), holder });
            }
            Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(100)).await,
        }
    }
    // Padded, so that a shorter number leaves nothing of a longer one.
    write!(file, "{:<10}", std::process::id())
        .map_err(|error| ServiceError::path("write", &path, error))?;
    Ok(file)
}

/// Ends what a killed run left behind in temporary folders of this user, and removes those. Failing
/// here harms nobody, so it is only told.
async fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY));
        if !ours {
            continue;
        }
        if let Some(storage) = take_stale(entry.path()) {
            let dir = storage.dir.clone();
            if let Err(error) = clear_stale(storage).await {
                tracing::warn!(dir = %dir.display(), %error, "cannot clear a temporary folder");
            }
        }
    }
}

/// Holds the folder when it is old, belongs to this user and nobody else holds it.
fn take_stale(dir: PathBuf) -> Option<Storage> {
    let found = fs::symlink_metadata(&dir).ok()?;
    let own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    let locked = fs::symlink_metadata(dir.join(LOCK)).ok()?;
    let age = SystemTime::now().duration_since(locked.modified().ok()?).ok()?;
    if !own || !locked.is_file() || age < STALE_AFTER {
        return None;
    }
    let lock = File::options().write(true).open(dir.join(LOCK)).ok()?;
    lock.try_lock().ok()?;
    Some(Storage { dir, _lock: lock })
}

async fn clear_stale(storage: Storage) -> Result<(), ServiceError> {
    cluster::end_leftover(storage.dir()).await?;
    valkey::end_leftover(storage.dir()).await?;
    storage.clear()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_gets_another_folder_only_where_the_services_could_not_go() {
        let dir = std::env::temp_dir().join(format!("pidima-reach-{}", std::process::id()));
        make_dir(&dir, 0o700).unwrap();
        let owner = fs::metadata(&dir).unwrap().uid();
        let stranger = Account { name: "x".into(), uid: owner + 1, gid: u32::MAX - 1 };
        let data = dir.join(".pidima");
        let other = reachable(data.clone(), Some(&stranger));
        assert!(other.starts_with("/var/lib/pidima") && other != data, "{}", other.display());
        assert_eq!(reachable(data.clone(), Some(&stranger)), other);
        assert_eq!(reachable(data.clone(), None), data);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_temporary_folder_that_is_held_or_new_is_left_alone() {
        let dir = std::env::temp_dir().join(format!("pidima-stale-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        assert!(take_stale(dir.clone()).is_none());
        let lock = File::create(dir.join(LOCK)).unwrap();
        assert!(take_stale(dir.clone()).is_none());
        lock.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        lock.try_lock().unwrap();
        assert!(take_stale(dir.clone()).is_none());
        drop(lock);
        assert!(take_stale(dir).is_some_and(|storage| storage.clear().is_ok()));
    }
}

//! The account that runs the servers: this process's own, or `nobody` when this process is root,
//! because PostgreSQL refuses root. Called by every part that makes a file for a server or starts
//! one. It must not be used for anything but the development services.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use tokio::process::Command;

use super::ServiceError;

/// An unprivileged account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in `/etc/passwd`; `initdb` insists on one.
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// `None` when the servers run as this process's own user, `nobody` when that user is root.
    pub fn for_services() -> Result<Option<Account>, ServiceError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let path = Path::new("/etc/passwd");
        let text =
            fs::read_to_string(path).map_err(|error| ServiceError::path("read", path, error))?;
        find_nobody(&text).map(Some).ok_or(ServiceError::NoAccount)
    }

    /// Whether the account can reach `path`: whether it may search every folder on the way that
    /// exists already. Access lists are not looked at.
    pub fn may_enter(&self, path: &Path) -> bool {
        let Ok(absolute) = std::path::absolute(path) else {
            return false;
        };
        let existing = absolute.ancestors().find_map(|folder| fs::canonicalize(folder).ok());
        let Some(existing) = existing else {
            return false;
        };
        existing.ancestors().filter(|one| one.is_dir()).all(|folder| self.may_search(folder))
    }

    fn may_search(&self, folder: &Path) -> bool {
        let Ok(found) = fs::metadata(folder) else {
            return false;
        };
        let mode = found.permissions().mode();
        match (found.uid() == self.uid, found.gid() == self.gid) {
            (true, _) => mode & 0o100 != 0,
            (_, true) => mode & 0o010 != 0,
            _ => mode & 0o001 != 0,
        }
    }
}

/// Makes `command` run as the account; the standard library then drops root's groups as well.
pub fn run_as(account: Option<&Account>, command: &mut Command) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
}

/// Makes `dir` and what is missing above it, each with the permissions `mode`, whatever the umask.
pub fn make_dir(dir: &Path, mode: u32) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(mode).create(dir)?;
    for folder in missing.into_iter().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::set_permissions(folder, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Makes the private folder of a server (0700, owned by the account), or takes it as it is.
pub fn private_dir(account: Option<&Account>, dir: &Path) -> Result<(), ServiceError> {
    fs::create_dir_all(dir).map_err(|error| ServiceError::path("create", dir, error))?;
    hand_over(account, dir, 0o700)
}

/// Gives `path` to the account with the permissions `mode`.
pub fn hand_over(account: Option<&Account>, path: &Path, mode: u32) -> Result<(), ServiceError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| ServiceError::path("set the permissions of", path, error))?;
    let Some(account) = account else {
        return Ok(());
    };
    chown(path, Some(account.uid), Some(account.gid))
        .map_err(|error| ServiceError::path("change the owner of", path, error))
}

/// The line of `nobody`, else of the customary number 65534 under another name.
fn find_nobody(passwd: &str) -> Option<Account> {
    let accounts: Vec<Account> = passwd.lines().filter_map(parse_line).collect();
    let named = accounts.iter().find(|account| account.name == "nobody");
    named.or_else(|| accounts.iter().find(|account| account.uid == 65534)).cloned()
}

/// `name:password:uid:gid:...`, see passwd(5). Root is no answer.
fn parse_line(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid: u32 = fields.nth(1)?.parse().ok()?;
    let gid: u32 = fields.next()?.parse().ok()?;
    (uid != 0).then_some(Account { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_found_by_name_and_else_by_number() {
        let debian = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n";
        assert_eq!(find_nobody(debian).map(|found| found.gid), Some(65534));
        let renamed = "root:x:0:0::/:/bin/sh\nnfsnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(find_nobody(renamed).map(|found| found.name), Some("nfsnobody".to_owned()));
        assert_eq!(find_nobody("root:x:0:0::/:/bin/sh\nbroken\nnobody:x:0:0::/:\n"), None);
    }

    #[test]
    fn a_private_folder_on_the_way_keeps_a_stranger_out() {
        let dir = std::env::temp_dir().join(format!("pidima-enter-{}", std::process::id()));
        let inner = dir.join("inner");
        fs::create_dir_all(&inner).unwrap();
        let owner = fs::metadata(&dir).unwrap();
        let stranger = Account { name: "x".into(), uid: owner.uid() + 1, gid: owner.gid() + 1 };
        fs::set_permissions(&dir, Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.may_enter(&inner));
        assert!(stranger.may_enter(&inner.join("not/there/yet")));
        fs::write(inner.join("file"), "").unwrap();
        assert!(stranger.may_enter(&inner.join("file")));
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.may_enter(&inner));
        fs::remove_dir_all(dir).unwrap();
    }
}

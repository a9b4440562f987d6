//! The files of the PostgreSQL cluster: made once by `initdb`, with a password of its own, and
//! freed of what a killed run left running on them. Called by `postgres` and `storage`. It must not
//! touch what is inside the database.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::random;
use rustix::process::{Pid, Signal, test_kill_process};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::ServiceError;
use super::account::{Account, hand_over, private_dir, run_as};
use super::process;

/// The superuser's name.
pub const SUPERUSER: &str = "postgres";

/// The data folder inside the services' folder `home`.
pub fn data_dir(home: &Path) -> PathBuf {
    home.join("postgres")
}

/// A name that all server processes of this data folder carry in their titles.
pub fn cluster_name(data_dir: &Path) -> String {
    let print = hex::encode(Sha256::digest(data_dir.as_os_str().as_encoded_bytes()));
    format!("pidima-{}", print.get(..12).unwrap_or(&print))
}

/// The file of the superuser's password (0600), 128 random bits in hexadecimal digits.
pub fn password_file(home: &Path) -> PathBuf {
    home.join("postgres.password")
}

/// A command of PostgreSQL, free of `PG*` variables meant for some other database.
#[expect(clippy::disallowed_methods, reason = "what is taken away is no setting of ours")]
pub fn command(program: &Path, home: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    let foreign = std::env::vars_os().map(|(name, _)| name);
    for name in foreign.filter(|name| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").current_dir(home).stdin(Stdio::null()).kill_on_drop(true);
    run_as(account, &mut command);
    command
}

/// Makes the cluster unless it is there, and gives the superuser's password. It is made aside and
/// renamed, so that a cluster that is there is whole.
pub async fn prepare(
    home: &Path,
    bin_dir: &Path,
    durable: bool,
    account: Option<&Account>,
) -> Result<String, ServiceError> {
    let (data, password_path) = (data_dir(home), password_file(home));
    if data.exists() {
        return match fs::read_to_string(&password_path) {
            Ok(password) => Ok(password.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ServiceError::PasswordMissing { path: password_path })
            }
            Err(error) => Err(ServiceError::path("read", &password_path, error)),
        };
    }
    let password = hex::encode(random::<[u8; 16]>());
    write_secret(&password_path, &password)?;
    let making = home.join("postgres.new");
    remove_dir(&making)?;
    private_dir(account, &making)?;
    let input = home.join("postgres.password.init");
    write_secret(&input, &password)?;
    hand_over(account, &input, 0o600)?;
    let made = initdb(home, bin_dir, &making, &input, durable, account).await;
    let forgotten =
        fs::remove_file(&input).map_err(|error| ServiceError::path("remove", &input, error));
    made.and(forgotten)?;
    fs::rename(&making, &data).map_err(|error| ServiceError::path("create", &data, error))?;
    Ok(password)
}

/// Ends the server that a killed run left on the data folder in `home`, and forgets a lock file
/// that names a process of somebody else. Only the holder of the folder's lock may call this.
pub async fn end_leftover(home: &Path) -> Result<(), ServiceError> {
    let data = data_dir(home);
    let servers = || process::find(|line| is_server(line, &data));
    let all = || process::find(|line| is_server(line, &data) || is_backend(line, &data));
    for pid in servers() {
        tracing::info!(pid, "stopping the PostgreSQL that an earlier run left behind");
        process::send(pid, Signal::INT)?;
    }
    let mut left = process::wait_until_gone(all, Duration::from_secs(20)).await;
    for signal in [Signal::QUIT, Signal::KILL] {
        for pid in left {
            process::send(pid, signal)?;
        }
        left = process::wait_until_gone(all, Duration::from_secs(10)).await;
    }
    if !left.is_empty() {
        return Err(ServiceError::Leftover { path: data, pids: left });
    }
    forget_foreign_pid(&data.join("postmaster.pid"))
}

/// The locale is PostgreSQL's own C.UTF-8, so that an order of text does not change with the
/// machine's C library. In a throw-away cluster a cheap password hash keeps connecting fast; the
/// password's 128 random bits need no slow one.
async fn initdb(
    home: &Path,
    bin_dir: &Path,
    data: &Path,
    password: &Path,
    durable: bool,
    account: Option<&Account>,
) -> Result<(), ServiceError> {
    let program = bin_dir.join("initdb");
    let mut command = command(&program, home, account);
    command
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin"])
        .args(["--builtin-locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"])
        .args(["--username", SUPERUSER, "-c", "timezone=UTC", "-c", "log_timezone=UTC"])
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(password);
    if !durable {
        command.args(["--no-sync", "-c", "scram_iterations=16"]);
    }
    let output =
        command.output().await.map_err(|source| ServiceError::Spawn { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(ServiceError::Initdb {
        path: data.to_owned(),
        status: output.status.to_string(),
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

fn is_server(line: &[String], data: &Path) -> bool {
    let named = line.first().is_some_and(|program| program.ends_with("postgres"));
    let on_data =
        |pair: &[String]| matches!(pair, [flag, path] if flag == "-D" && Path::new(path) == data);
    named && line.windows(2).any(on_data)
}

fn is_backend(line: &[String], data: &Path) -> bool {
    let title = format!("postgres: {}: ", cluster_name(data));
    line.first().is_some_and(|first| first.starts_with(&title))
}

/// PostgreSQL takes a dead process's lock file over by itself, but refuses when the number has gone
/// to another live process. Here none of the cluster's own is alive any more.
fn forget_foreign_pid(path: &Path) -> Result<(), ServiceError> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
    if pid.is_none_or(|pid| test_kill_process(pid).is_err()) {
        return Ok(());
    }
    fs::remove_file(path).map_err(|error| ServiceError::path("remove", path, error))
}

fn write_secret(path: &Path, secret: &str) -> Result<(), ServiceError> {
    let failed = |error| ServiceError::path("write", path, error);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = File::options();
    let mut file = options.create_new(true).write(true).mode(0o600).open(path).map_err(failed)?;
    writeln!(file, "{secret}").map_err(failed)
}

fn remove_dir(dir: &Path) -> Result<(), ServiceError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ServiceError::path("remove", dir, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn line(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn only_processes_of_this_data_folder_count_as_its_server() {
        let data = Path::new("/srv/a/postgres");
        assert!(is_server(&line(&["/opt/bin/postgres", "-D", "/srv/a/postgres", "-c", "x"]), data));
        assert!(!is_server(&line(&["/opt/bin/postgres", "-D", "/srv/b/postgres"]), data));
        assert!(!is_server(&line(&["/usr/bin/tail", "-D", "/srv/a/postgres"]), data));
        assert!(!is_server(&[], data));
        let title = format!("postgres: {}: checkpointer ", cluster_name(data));
        assert!(is_backend(&line(&[&title]), data));
        assert!(!is_backend(&line(&[&title]), Path::new("/srv/b/postgres")));
    }

    #[test]
    fn a_lock_file_is_forgotten_only_when_its_number_is_a_live_process() {
        let path = std::env::temp_dir().join(format!("pidima-pid-{}", std::process::id()));
        fs::write(&path, format!("{}\n/srv/a\n", i32::MAX)).unwrap();
        forget_foreign_pid(&path).unwrap();
        assert!(path.exists());
        fs::write(&path, format!("{}\n/srv/a\n", std::process::id())).unwrap();
        forget_foreign_pid(&path).unwrap();
        assert!(!path.exists());
        forget_foreign_pid(&path).unwrap();
    }

    #[test]
    fn a_secret_is_readable_by_its_owner_only_and_replaces_an_older_one() {
        let path = std::env::temp_dir().join(format!("pidima-secret-{}", std::process::id()));
        fs::write(&path, "old and open").unwrap();
        write_secret(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(path).unwrap();
    }
}

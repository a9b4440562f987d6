//! The development services as their users meet them: real servers started by the built program,
//! whatever way its processes end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pidima::devservices::{PackageCache, Services, ServicesInfo, ServicesOptions, VALKEY};
use sqlx::{Connection, PgConnection, Row};

const EXE: &str = env!("CARGO_BIN_EXE_pidima");

/// A folder under the system's temporary one, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("pidima-it-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    /// What the services get: not there yet.
    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn kept(data: PathBuf) -> ServicesOptions {
    ServicesOptions { data: Some(data), valkey: false }
}

/// The number in `postmaster.pid`.
fn server_pid(info: &ServicesInfo) -> u32 {
    let text = fs::read_to_string(info.data.join("postgres/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// A process that has ended but is not yet reaped has an empty command line, and is not alive.
fn alive(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn within(limit: Duration, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: u32) {
    let line = format!("kill -KILL {pid}");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

async fn one(url: &str, query: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let row = sqlx::query(query).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    row.get(0)
}

async fn run(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn start_by_hand(arguments: &[&str], data: Option<&Path>) -> (Child, String) {
    let mut command = Command::new(EXE);
    command.arg("services").args(arguments).args(data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guard = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(guard.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (guard, line)
}

#[tokio::test]
async fn temporary_services_answer_with_pgvector_and_leave_nothing() {
    let options = ServicesOptions { data: None, valkey: true };
    let services = Services::spawn(Path::new(EXE), options).await.unwrap();
    let info = services.info().clone();
    assert_ne!(info.postgres.port, 5432);
    run(&info.postgres.url, "create extension vector").await;
    let version = "select extversion from pg_extension where extname = 'vector'";
    assert_eq!(one(&info.postgres.url, version).await, "0.8.6");
    assert!(one(&info.postgres.url, "show server_version").await.starts_with("18."));
    let distance = "select ('[1,2]'::vector <-> '[1,5]'::vector)::text";
    assert_eq!(one(&info.postgres.url, distance).await, "3");
    assert!(info.postgres.bin_dir.join("psql").exists());
    answers_as_valkey(info.valkey.as_deref().unwrap());
    let server = server_pid(&info);
    services.stop().await.unwrap();
    assert!(!alive(server) && !info.data.exists());
}

/// Sets and reads a key over the protocol.
fn answers_as_valkey(url: &str) {
    let (password, address) = url.strip_prefix("redis://:").unwrap().split_once('@').unwrap();
    let mut stream = TcpStream::connect(address.strip_suffix("/0").unwrap()).unwrap();
    write!(stream, "GET a\r\nAUTH {password}\r\nSET a b\r\nGET a\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (refused, rest) = answer.split_once("\r\n").unwrap();
    assert!(refused.starts_with("-NOAUTH"), "{refused}");
    assert_eq!(rest, "+OK\r\n+OK\r\n$1\r\nb\r\n+OK\r\n");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = Folder::new("password");
    let services = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    let info = &services.info().postgres;
    let wrong = info.url.replace(&info.password, "guess");
    assert!(PgConnection::connect(&wrong).await.is_err());
    services.stop().await.unwrap();
}

#[tokio::test]
async fn data_address_and_password_are_the_same_after_the_guard_and_the_server_are_killed() {
    let folder = Folder::new("recover");
    let services = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    let first = services.info().clone();
    run(&first.postgres.url, "create table kept as select 'still here' as word").await;
    kill(services.guard_id());
    let orphan = server_pid(&first);
    drop(services);
    assert!(alive(orphan), "the server was to outlive its killed guard for this test");

    let again = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    assert!(!alive(orphan));
    assert_eq!(again.info(), &first);
    assert_eq!(one(&first.postgres.url, "select word from kept").await, "still here");

    let mut again = again;
    kill(server_pid(&first));
    let error = again.ended().await.to_string();
    assert!(error.contains("PostgreSQL ended by itself") && error.contains("signal: 9"), "{error}");
    let third = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    assert_eq!(one(&first.postgres.url, "select word from kept").await, "still here");
    third.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_file_that_names_a_living_stranger_does_not_prevent_the_start() {
    let folder = Folder::new("stranger");
    let services = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    let info = services.info().clone();
    services.stop().await.unwrap();
    let lock = info.data.join("postgres/postmaster.pid");
    fs::write(&lock, format!("{}\n/somewhere\n", std::process::id())).unwrap();
    let again = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    assert_ne!(server_pid(&info), std::process::id());
    again.stop().await.unwrap();
}

#[test]
fn the_end_of_standard_input_ends_every_server_and_removes_a_temporary_folder() {
    let (mut guard, line) = start_by_hand(&["--ephemeral"], None);
    let info: ServicesInfo = serde_json::from_str(&line).unwrap();
    let server = server_pid(&info);
    assert!(alive(server));
    drop(guard.stdin.take());
    within(Duration::from_secs(20), "the guard ends", || !alive(guard.id()));
    assert!(guard.wait().unwrap().success());
    assert!(!alive(server) && !info.data.exists());
    let port = info.valkey.unwrap();
    let address = port.rsplit_once('@').unwrap().1.trim_end_matches("/0").to_owned();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_signal_ends_the_servers_while_standard_input_stays_open() {
    let (mut guard, line) = start_by_hand(&["--ephemeral", "--without-valkey"], None);
    let info: ServicesInfo = serde_json::from_str(&line).unwrap();
    assert_eq!(info.valkey, None);
    let server = server_pid(&info);
    let line = format!("kill -TERM {}", guard.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    within(Duration::from_secs(20), "the guard ends", || !alive(guard.id()));
    assert!(guard.wait().unwrap().success());
    assert!(!alive(server) && !info.data.exists());
}

#[test]
fn a_parent_that_gives_up_while_the_services_start_leaves_nothing() {
    let folder = Folder::new("early");
    let mut command = Command::new(EXE);
    command.args(["services", "--ephemeral", "--without-valkey"]).env("TMPDIR", &folder.0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guard = command.spawn().unwrap();
    within(Duration::from_secs(60), "the folder is made", || {
        fs::read_dir(&folder.0).unwrap().next().is_some()
    });
    drop(guard.stdin.take());
    assert!(guard.wait().unwrap().success());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[tokio::test]
async fn what_goes_wrong_in_the_guard_is_told_to_the_parent() {
    let folder = Folder::new("file");
    fs::write(folder.data(), "a file, not a folder").unwrap();
    let error = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("data"), "{error}");
    let missing = Services::spawn(Path::new("/no/such/program"), kept(folder.data())).await;
    assert!(missing.unwrap_err().to_string().contains("/no/such/program"));
}

#[tokio::test]
async fn a_cluster_that_cannot_start_is_told_with_the_end_of_its_log() {
    let folder = Folder::new("broken");
    let services = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap();
    let version = services.info().data.join("postgres/PG_VERSION");
    services.stop().await.unwrap();
    fs::write(version, "12\n").unwrap();
    let error = Services::spawn(Path::new(EXE), kept(folder.data())).await.unwrap_err().to_string();
    assert!(error.contains("initialized by PostgreSQL version 12"), "{error}");
}

#[tokio::test]
async fn two_processes_that_want_the_same_package_at_once_both_get_it() {
    let folder = Folder::new("cache");
    let (first, second) = (PackageCache::at(&folder.0), PackageCache::at(&folder.0));
    let (one, other) = tokio::join!(first.ensure(&VALKEY), second.ensure(&VALKEY));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one, other);
    let output = Command::new(&one).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("v=9.1."));
    let archives = fs::read_dir(&folder.0).unwrap().flatten();
    let left =
        archives.filter(|entry| entry.path().extension().is_some_and(|end| end == "partial"));
    assert_eq!(left.count(), 0);
}

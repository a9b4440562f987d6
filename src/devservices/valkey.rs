//! A real Valkey server as a child of this process, as a cache: nothing is kept on disk. Called by
//! `guard`; used by the demo and by the tests of the cache. It must not be given durable data.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::random;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::ServiceError;
use super::account::{Account, private_dir, run_as};
use super::ports;
use super::process::{self, Log};

const NAME: &str = "Valkey";
const READY_DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
const PORT_TRIES: usize = 5;

/// How to run the server.
#[derive(Debug, Clone)]
pub struct ValkeyOptions {
    /// The services' folder, absolute; the server works in `valkey/` inside it.
    pub home: PathBuf,
    /// The program `valkey-server` (or a `redis-server`).
    pub program: PathBuf,
    /// The port to take; `None` for the one of the last start when free, else any free one.
    pub port: Option<u16>,
}

/// A server that answers. Dropped without `stop`, it is killed.
#[derive(Debug)]
pub struct Valkey {
    child: Child,
    url: String,
    log: Log,
}

impl Valkey {
    /// Starts the server and waits until it answers. The caller holds the lock of `options.home`.
    pub async fn start(options: &ValkeyOptions) -> Result<Valkey, ServiceError> {
        let account = Account::for_services()?;
        if let Some(account) = account.as_ref().filter(|user| !user.may_enter(&options.program)) {
            let (account, path) = (account.name.clone(), options.program.clone());
            return Err(ServiceError::Unreachable { account, path });
        }
        end_leftover(&options.home).await?;
        private_dir(account.as_ref(), &options.home.join("valkey"))?;
        let memory = memory(&options.home);
        let mut refused = Vec::new();
        loop {
            let port = ports::choose(options.port, &memory, &refused)?;
            // Written before the start, so that a killed run's server is found by its port.
            ports::remember(&memory, port)?;
            match launch(options, port, account.as_ref()).await {
                Err(error) if refused.len() < PORT_TRIES && lost_port(&error) => refused.push(port),
                result => return result,
            }
        }
    }

    /// `redis://:password@127.0.0.1:port/0`.
    pub fn url(&self) -> &str {
        &self.url
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

    /// Asks the server to end and waits for it.
    pub async fn stop(mut self) -> Result<(), ServiceError> {
        process::end(&mut self.child, &[(Signal::TERM, Duration::from_secs(5))]).await
    }
}

/// Ends the server that a killed run left behind; its title names the address it listens on.
pub async fn end_leftover(home: &Path) -> Result<(), ServiceError> {
    let Some(port) = ports::remembered(&memory(home)) else {
        return Ok(());
    };
    let servers = || process::find(|line| is_server(line, port));
    let mut left = servers();
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in left {
            process::send(pid, signal)?;
        }
        left = process::wait_until_gone(servers, Duration::from_secs(5)).await;
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(ServiceError::Leftover { path: home.join("valkey"), pids: left }),
    }
}

fn memory(home: &Path) -> PathBuf {
    home.join("valkey.port")
}

fn is_server(line: &[String], port: u16) -> bool {
    let title = line.join(" ");
    let program = title.split(' ').next().unwrap_or_default();
    let known = program.ends_with("valkey-server") || program.ends_with("redis-server");
    known && title.split(' ').any(|word| word == format!("127.0.0.1:{port}"))
}

async fn launch(
    options: &ValkeyOptions,
    port: u16,
    account: Option<&Account>,
) -> Result<Valkey, ServiceError> {
    let password = hex::encode(random::<[u8; 16]>());
    let dir = options.home.join("valkey");
    let (log, output) = Log::open(&options.home.join("valkey.log"))?;
    let errors =
        output.try_clone().map_err(|error| ServiceError::path("open", &log.path, error))?;
    let mut command = Command::new(&options.program);
    // The settings come through standard input, where no other user sees the password.
    command.arg("-").stdin(Stdio::piped()).stdout(output).stderr(errors);
    command.current_dir(&dir).kill_on_drop(true);
    run_as(account, &mut command);
    let failed = |source| ServiceError::Spawn { program: options.program.clone(), source };
    let mut child = command.spawn().map_err(failed)?;
    let url = format!("redis://:{password}@127.0.0.1:{port}/0");
    if let Some(mut input) = child.stdin.take() {
        // A server that has ended already is told about below, with its log.
        let _ended = input.write_all(settings(port, &password).as_bytes()).await;
    }
    let mut server = Valkey { child, url, log };
    match wait_until_ready(&mut server, port, &password).await {
        Ok(()) => Ok(server),
        Err(error) => {
            server.stop().await?;
            Err(error)
        }
    }
}

/// Bounded as a cache is: keys with a time to live are dropped when the memory is full, which is
/// the default of the managed service too.
fn settings(port: u16, password: &str) -> String {
    format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndaemonize no\nsave \"\"\n\
         appendonly no\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\n"
    )
}

async fn wait_until_ready(
    server: &mut Valkey,
    port: u16,
    password: &str,
) -> Result<(), ServiceError> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let reason = match timeout(Duration::from_secs(2), ping(port, password)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer within 2 s".to_owned(),
        };
        let (service, log) = (NAME, server.log.path.clone());
        if let Ok(Some(status)) = server.child.try_wait() {
            let (status, tail) = (status.to_string(), server.log.tail());
            return Err(ServiceError::EndedEarly { service, status, log, tail });
        }
        if Instant::now() >= deadline {
            let (seconds, tail) = (READY_DEADLINE.as_secs(), server.log.tail());
            return Err(ServiceError::NotReady { service, seconds, reason, log, tail });
        }
        sleep(POLL).await;
    }
}

/// Logs in and pings, in the protocol's inline form.
async fn ping(port: u16, password: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes()).await?;
    let expected = b"+OK\r\n+PONG\r\n";
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    match &answer == expected {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned())),
    }
}

/// Whether another program took the port between the choice and the start.
fn lost_port(error: &ServiceError) -> bool {
    matches!(error, ServiceError::EndedEarly { tail, .. } if tail.contains("already in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_on_the_remembered_port_counts_as_left_behind() {
        let title = |text: &str| vec![text.to_owned()];
        assert!(is_server(&title("/opt/valkey-server 127.0.0.1:21000"), 21000));
        assert!(!is_server(&title("/opt/valkey-server 127.0.0.1:2100"), 21000));
        assert!(!is_server(&title("/opt/other 127.0.0.1:21000"), 21000));
        assert!(!is_server(&[], 21000));
    }
}

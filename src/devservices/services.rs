//! The user's side of the services: starts the guard as a process of its own and holds the pipe
//! whose end tells the guard to stop, in whatever way this process dies. Called by the demo and by
//! the tests. It must not start a server itself: only the guard outlives this process long enough
//! to clean up.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::ServiceError;
use super::postgres::PostgresInfo;

/// The guard gives its servers 45 s at most.
const STOP_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug, Clone)]
pub struct ServicesOptions {
    /// The folder of the state, the services' own. `None`: a temporary one, removed at the end,
    /// with settings for speed instead of durability.
    pub data: Option<PathBuf>,
    /// Whether Valkey is wanted too.
    pub valkey: bool,
}

/// Where the services are; the line that the guard prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesInfo {
    pub postgres: PostgresInfo,
    /// `redis://…`, when it was asked for.
    pub valkey: Option<String>,
    /// The folder of the state. For root it may be another than the one asked for, when the account
    /// that runs the servers could not enter that.
    pub data: PathBuf,
}

/// Running services. Dropped without `stop`, they end too, but nobody waits for it.
#[derive(Debug)]
pub struct Services {
    info: ServicesInfo,
    guard: Child,
    output: BufReader<ChildStdout>,
    /// Held open; never written to.
    input: Option<ChildStdin>,
}

/// One line of the guard's standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Failed { error: String },
    Ready(ServicesInfo),
}

impl Services {
    /// Starts `exe services …` (`exe` is this program) and waits until the services answer. The
    /// first time on a machine this fetches packages and can take a minute. The guard's own
    /// messages go to this process's standard error. The guard has a process group of its own, so
    /// that a Ctrl-C in the terminal reaches this process alone, which can finish its work first.
    pub async fn spawn(exe: &Path, options: ServicesOptions) -> Result<Services, ServiceError> {
        let mut command = Command::new(exe);
        command.arg("services");
        match &options.data {
            Some(dir) => command.arg("--data").arg(dir),
            None => command.arg("--ephemeral"),
        };
        if !options.valkey {
            command.arg("--without-valkey");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let started = command.spawn();
        let mut guard =
            started.map_err(|source| ServiceError::Spawn { program: exe.to_owned(), source })?;
        let input = guard.stdin.take();
        let Some(output) = guard.stdout.take() else {
            return Err(ServiceError::GuardSilent { status: "no standard output".to_owned() });
        };
        let read = tokio::task::spawn_blocking(move || {
            let mut output = BufReader::new(output);
            let line = read_line(&mut output);
            (line, output)
        });
        let (line, output) = read.await.map_err(|error| ServiceError::Guard(error.to_string()))?;
        match parse(&line, &mut guard).await {
            Ok(info) => Ok(Services { info, guard, output, input }),
            Err(error) => Err(error),
        }
    }

    /// Where the services are.
    pub fn info(&self) -> &ServicesInfo {
        &self.info
    }

    /// The guard's process number.
    pub fn guard_id(&self) -> u32 {
        self.guard.id()
    }

    /// Waits until the services end without having been asked to, and tells why. Safe to drop and
    /// call again.
    pub async fn ended(&mut self) -> ServiceError {
        let status = wait(&mut self.guard, None).await;
        match serde_json::from_str(&read_line(&mut self.output)) {
            Ok(Answer::Failed { error }) => ServiceError::Guard(error),
            _ => ServiceError::GuardSilent { status: describe(status) },
        }
    }

    /// Stops the services and waits until they are gone.
    pub async fn stop(mut self) -> Result<(), ServiceError> {
        drop(self.input.take());
        match wait(&mut self.guard, Some(STOP_DEADLINE)).await {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(self.ended().await),
            None => {
                let killed = self.guard.kill().and_then(|()| self.guard.wait());
                killed.map_err(ServiceError::Signal)?;
                Err(ServiceError::Guard("the services did not stop within 60 s".to_owned()))
            }
        }
    }
}

async fn parse(line: &str, guard: &mut Child) -> Result<ServicesInfo, ServiceError> {
    match serde_json::from_str(line) {
        Ok(Answer::Ready(info)) => Ok(info),
        Ok(Answer::Failed { error }) => {
            wait(guard, Some(STOP_DEADLINE)).await;
            Err(ServiceError::Guard(error))
        }
        Err(_) if line.is_empty() => {
            let status = describe(wait(guard, Some(STOP_DEADLINE)).await);
            Err(ServiceError::GuardSilent { status })
        }
        Err(_) => Err(ServiceError::GuardAnswer { line: line.trim().to_owned() }),
    }
}

/// Empty when the guard has closed its output.
fn read_line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    match output.read_line(&mut line) {
        Ok(_) => line,
        Err(_) => String::new(),
    }
}

/// Waits for the end without holding a thread; `None` when `patience` ran out or the system
/// refuses.
async fn wait(guard: &mut Child, patience: Option<Duration>) -> Option<ExitStatus> {
    let deadline = patience.map(|patience| Instant::now() + patience);
    loop {
        match guard.try_wait() {
            Ok(None) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {
                sleep(POLL).await;
            }
            result => return result.ok().flatten(),
        }
    }
}

fn describe(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "still running".to_owned(), |status| status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_answers_of_the_guard_are_told_apart() {
        let failed = serde_json::to_string(&Answer::Failed { error: "one\ntwo".into() }).unwrap();
        assert_eq!(failed, r#"{"error":"one\ntwo"}"#);
        let ready = r#"{"postgres":{"host":"127.0.0.1","port":20001,"user":"postgres",
            "password":"x","url":"postgres://postgres:x@127.0.0.1:20001/postgres",
            "bin_dir":"/b"},"valkey":null,"data":"/d"}"#;
        match serde_json::from_str(ready).unwrap() {
            Answer::Ready(info) => assert_eq!(info.postgres.port, 20001),
            Answer::Failed { error } => panic!("{error}"),
        }
        assert!(serde_json::from_str::<Answer>("Usage: pidima").is_err());
    }
}

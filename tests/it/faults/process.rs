//! A carrier as a process of its own: it can be killed, stopped and let go on.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::house::House;
use crate::support::eventually;
use crate::support::process::{Running, free_port};

/// What it has in hand when it is asked to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Worker,
}

pub struct Process {
    running: Running,
    log: PathBuf,
    /// Where it serves.
    pub url: String,
}

impl Process {
    /// The carrier that something will happen to.
    pub async fn first(kind: Kind, house: &House) -> Self {
        Self::start(kind, house, true).await
    }

    /// The one that takes over.
    pub async fn second(house: &House) -> Self {
        Self::start(Kind::Worker, house, false).await
    }

    async fn start(kind: Kind, house: &House, is_first: bool) -> Self {
        let name = if is_first { "first.log" } else { "second.log" };
        let log = house.folder.join(name);
        let file = fs::File::create(&log).unwrap();
        let port = free_port();
        let arguments: &[&str] = match kind {
            Kind::Api => &["serve", "--without-worker"],
            Kind::Worker => &["worker"],
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_pidima"));
        command
            .args(arguments)
            .envs(house.settings(is_first))
            .env("PIDIMA_LISTEN", format!("127.0.0.1:{port}"))
            .current_dir(&house.folder);
        let running = Running::start_logged(&mut command, file);
        let process = Self { running, log, url: format!("http://127.0.0.1:{port}") };
        if kind == Kind::Api {
            let address = format!("{}/readyz", process.url);
            eventually("the instance is ready", || async {
                reqwest::get(&address).await.is_ok_and(|reply| reply.status().is_success())
            })
            .await;
        }
        process
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Stands still until [`Self::go_on`].
    pub fn stop(&self) {
        self.running.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.running.signal(Signal::CONT);
    }

    /// Asks it to end, as a supervisor does, and waits until it has ended what it has in hand.
    pub async fn end(mut self) {
        match self.running.end_within(PATIENCE).await {
            Some(status) => assert!(status.success(), "it ended with {status}: {}", self.log()),
            None => panic!("it does not end: {}", self.log()),
        }
    }

    /// Faults that it told of so far.
    pub fn warnings(&self) -> usize {
        self.log().lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

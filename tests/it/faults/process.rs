//! A carrier as a process of its own: it can be killed, stopped and let go on.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::house::House;
use crate::support::eventually;

/// What it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Worker,
}

pub struct Process {
    child: Child,
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
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments: &[&str] = match kind {
            Kind::Api => &["serve", "--without-worker"],
            Kind::Worker => &["worker"],
        };
        let child = Command::new(env!("CARGO_BIN_EXE_pidima"))
            .args(arguments)
            .envs(house.settings(is_first))
            .env("PIDIMA_LISTEN", format!("127.0.0.1:{port}"))
            .current_dir(&house.folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let process = Self { child, log, url: format!("http://127.0.0.1:{port}") };
        if kind == Kind::Api {
            let address = format!("{}/readyz", process.url);
            eventually("the instance is ready", || async {
                reqwest::get(&address).await.is_ok_and(|reply| reply.status().is_success())
            })
            .await;
        }
        process
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stands still until [`Self::go_on`].
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end, as a supervisor does, and waits until it has ended what it has in hand.
    pub async fn end(mut self) {
        self.signal(Signal::TERM);
        for _ in 0..3_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "it ended with {status}: {}", self.log());
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not end: {}", self.log());
    }

    /// Faults that it told of so far.
    pub fn warnings(&self) -> usize {
        self.log().lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

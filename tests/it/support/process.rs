//! Processes of a test: started with nothing to read, signalled, awaited, and ended whatever becomes of the test.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process that runs until this is dropped.
pub struct Running(Child);

impl Running {
    /// Starts a process that writes there.
    pub fn start(command: &mut Command, out: impl Into<Stdio>, log: impl Into<Stdio>) -> Self {
        Self(command.stdin(Stdio::null()).stdout(out).stderr(log).spawn().unwrap())
    }

    /// Starts a process that writes everything into one file.
    pub fn start_logged(command: &mut Command, log: File) -> Self {
        Self::start(command, log.try_clone().unwrap(), log)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Ends it without a word. One that is over is fine.
    pub fn kill(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }

    /// Asks it to end, as a supervisor does, and waits for that; nothing when it takes longer.
    pub async fn end_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if began.elapsed() >= patience {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A file that a process writes on where the one before it ended.
pub fn appended(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}

/// What a command writes, which must end well.
pub fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    pidima::devservices::free_port().unwrap()
}

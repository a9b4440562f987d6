//! Looking at, asking and ending server processes, our children and those that an earlier run left
//! behind. Called by `postgres` and `valkey`. Processes are known by their command line, which
//! every user may read, because root in a container may not look into another user's process.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::ServiceError;

const POLL: Duration = Duration::from_millis(50);
const TAIL_BYTES: u64 = 4096;
const TAIL_LINES: usize = 20;
/// A log that grew past this is begun anew at the next start.
const LOG_LIMIT: u64 = 16 << 20;

/// Sends `signal` to process `pid`; a process that is gone already is no error.
pub fn send(pid: i32, signal: Signal) -> Result<(), ServiceError> {
    let Some(target) = Pid::from_raw(pid) else {
        return Ok(());
    };
    match kill_process(target, signal) {
        Err(error) if error != rustix::io::Errno::SRCH => Err(ServiceError::Signal(error.into())),
        _ => Ok(()),
    }
}

/// Ends our child: each signal in turn, with the time it may take; at last it is killed.
pub async fn end(child: &mut Child, steps: &[(Signal, Duration)]) -> Result<(), ServiceError> {
    for (signal, patience) in steps {
        let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) else {
            return Ok(());
        };
        send(pid, *signal)?;
        if let Ok(ended) = timeout(*patience, child.wait()).await {
            return ended.map(drop).map_err(ServiceError::Signal);
        }
    }
    child.kill().await.map_err(ServiceError::Signal)
}

/// The processes whose command line fits. A process that has ended but was not yet reaped has none.
pub fn find(fits: impl Fn(&[String]) -> bool) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse::<i32>().ok());
    pids.filter(|pid| fits(&command_line(*pid))).collect()
}

/// The arguments of process `pid`; empty when there is no such process.
pub fn command_line(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split('\0').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Waits until `find` gives nothing; otherwise gives what is left after `patience`.
pub async fn wait_until_gone(find: impl Fn() -> Vec<i32>, patience: Duration) -> Vec<i32> {
    let deadline = Instant::now() + patience;
    loop {
        let left = find();
        if left.is_empty() || Instant::now() >= deadline {
            return left;
        }
        sleep(POLL).await;
    }
}

/// The log of a server, from the start that this process made on.
#[derive(Debug, Clone)]
pub struct Log {
    pub path: PathBuf,
    from: u64,
}

impl Log {
    /// Opens the log; the file is for the server's standard output and error.
    pub fn open(path: &Path) -> Result<(Log, File), ServiceError> {
        let failed = |error| ServiceError::path("open", path, error);
        let mut file =
            File::options().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > LOG_LIMIT {
            file.set_len(0).map_err(failed)?;
        }
        let from = file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Log { path: path.to_owned(), from }, file))
    }

    /// The last lines, for an error message.
    pub fn tail(&self) -> String {
        let text = self.read_end().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }

    fn read_end(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES).max(self.from)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn this_process_is_found_by_its_command_line_and_no_other_number_is() {
        let own: Vec<String> = std::env::args().collect();
        let found = find(|line| line == own.as_slice());
        assert!(found.contains(&i32::try_from(std::process::id()).unwrap()));
        assert!(command_line(i32::MAX).is_empty());
    }

    #[test]
    fn the_tail_of_a_log_is_the_end_of_what_this_start_wrote() {
        let path = std::env::temp_dir().join(format!("pidima-tail-{}", std::process::id()));
        fs::write(&path, "an earlier start\n").unwrap();
        let (log, mut file) = Log::open(&path).unwrap();
        assert_eq!(log.tail(), "");
        for number in 0..500 {
            writeln!(file, "line {number}").unwrap();
        }
        let end = log.tail();
        assert_eq!(end.lines().count(), 20);
        assert!(end.starts_with("line 480\n") && end.ends_with("line 499"));
        fs::remove_file(path).unwrap();
    }
}

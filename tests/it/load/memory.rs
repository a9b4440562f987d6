//! The most memory that a worker and the readers of files that it starts have at one moment.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

/// Between two looks. Each goes through the system's books of every thread, on the processors that are measured; what grows for
/// less than this is kept small by the reader's own limit.
const EVERY: Duration = Duration::from_millis(25);

#[derive(Default)]
pub struct Watched {
    worker: AtomicU64,
    reader: AtomicU64,
}

impl Watched {
    /// Looks again and again until it is aborted.
    pub fn watch(self: &Arc<Self>, worker: u32) -> JoinHandle<()> {
        let watched = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                watched.worker.fetch_max(bytes(worker), Ordering::Relaxed);
                for reader in children(worker) {
                    watched.reader.fetch_max(bytes(reader), Ordering::Relaxed);
                }
                tokio::time::sleep(EVERY).await;
            }
        })
    }

    /// Of the worker, in bytes.
    pub fn worker(&self) -> u64 {
        self.worker.load(Ordering::Relaxed)
    }

    /// Of the largest reader, in bytes.
    pub fn reader(&self) -> u64 {
        self.reader.load(Ordering::Relaxed)
    }
}

/// The most that a process had in memory until now; nothing when it is gone.
fn bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// Processes that a process has started: each belongs to the thread that did.
fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children"));
    let lists = threads.filter_map(|thread| of_thread(thread.ok()?).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

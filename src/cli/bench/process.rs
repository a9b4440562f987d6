//! What a process and those that it started take, as Linux tells it in `/proc` (see proc_pid_stat(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Resident memory of a process and of those that it started, in kibibytes.
pub fn memory_kib(pid: u32) -> anyhow::Result<u64> {
    let own = own_memory_kib(pid)?;
    Ok(own + children(pid).filter_map(|child| memory_kib(child).ok()).sum::<u64>())
}

/// Time that processors have spent on a process and on those that it started and that still run.
pub fn processor(pid: u32) -> anyhow::Result<Duration> {
    let own = own_processor(pid)?;
    Ok(own + children(pid).filter_map(|child| processor(child).ok()).sum::<Duration>())
}

fn own_memory_kib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("VmRSS")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn own_processor(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("utime")?;
    // A name may hold spaces and brackets.
    let (_, behind_name) = stat.rsplit_once(')').context("utime")?;
    let times = behind_name.split_ascii_whitespace().skip(11).take(2);
    let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    let a_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(Duration::from_secs(1) * ticks / a_second)
}

/// Children of all threads of a process.
fn children(pid: u32) -> impl Iterator<Item = u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_thread = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .collect::<Vec<_>>();
    of_thread.into_iter().flat_map(|children| {
        children.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::thread;

    use super::*;

    #[test]
    fn a_child_counts_with_its_parent() {
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let is_child = children(id()).any(|pid| pid == child.id());
        let memory = memory_kib(child.id());
        let enough = Duration::from_millis(500);
        while processor(child.id()).is_ok_and(|spent| spent < enough) {
            thread::yield_now();
        }
        let (own, all) = (own_processor(id()), processor(id()));
        // Before anything can fail: it would spin for ever.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_child);
        assert!(memory.unwrap() > 0);
        assert!(all.unwrap() >= own.unwrap() + enough);
    }
}

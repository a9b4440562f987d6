//! Priority of threads and processes: what nobody waits for gives way to what answers people.
//!
//! Linux may share processors first between groups, one for each session (`sched_autogroup_enabled`, see sched(7)), and
//! niceness counts within a group alone. A process that is to give way to all others leads a session of its own then, whose
//! group gives way as a whole.

use std::fs;
use std::io::ErrorKind;
use std::process;

/// Niceness of what gives way: where every core is busy, a thread that does not gets some nine tenths of its core.
const NICENESS: i32 = 10;

/// Lets this thread give way, and the threads and processes that it starts from now on. Where that is refused it merely is less
/// polite.
pub fn give_way() {
    // On Linux this is the niceness of the thread, elsewhere that of the process: then nothing is changed.
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICENESS)
    {
        tracing::debug!(%error, "lowering the priority of a thread");
    }
}

/// Lets this process give way to all others, also to those of other sessions. It leads a session of its own then, which no
/// terminal reaches; where it can not, as it leads a group of processes already, it gives way in the session it is in.
pub fn give_way_as_a_session() {
    if cfg!(target_os = "linux") && rustix::process::setsid().is_ok() {
        let _settled = settle(process::id());
    }
    give_way();
}

/// Lets the session that this process leads give way to others, its own threads among each other staying as they are: for a
/// service beside another one on one machine. A session that somebody else leads is left as it is.
pub fn give_way_to_other_sessions() {
    let leader = fs::read_to_string("/proc/self/stat").ok().and_then(|status| leader(&status));
    if leader == Some(process::id()) {
        let _settled = settle(process::id());
    }
}

/// Who leads the session of a process, from what the kernel says of it (see proc_pid_stat(5)); 0 where the leader is outside
/// of what the process sees, as of a program that was started into a container. The call for it has no answer for that.
fn leader(status: &str) -> Option<u32> {
    // A name may hold spaces and brackets.
    let (_, behind_name) = status.rsplit_once(')')?;
    behind_name.split_ascii_whitespace().nth(3)?.parse().ok()
}

/// Lets the group of another process give way where that process could not see to it itself, being refused for a while: the
/// kernel takes ten such wishes a second from all without privileges together. `false` asks to come again.
pub fn has_given_way_as_a_session(process: u32) -> bool {
    let group = |process: &str| fs::read_to_string(format!("/proc/{process}/autogroup"));
    match (group("self"), group(&process.to_string())) {
        // It leads no session yet: this would be the group of everybody here.
        (Ok(own), Ok(its)) if own == its => false,
        (Ok(_), Ok(its)) => {
            its.trim_end().ends_with(&format!("nice {NICENESS}")) || settle(process)
        }
        // There are no groups here, or it has ended.
        _ => true,
    }
}

/// `false` when the kernel wants to be asked later.
fn settle(process: u32) -> bool {
    let wish = fs::write(format!("/proc/{process}/autogroup"), NICENESS.to_string());
    !wish.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).expect("a priority")
    }

    #[test]
    fn a_thread_that_gives_way_changes_no_other_and_hands_it_on_to_those_it_starts() {
        let before = niceness();
        let (own, child) = std::thread::spawn(|| {
            give_way();
            (niceness(), std::thread::spawn(niceness).join().expect("a thread"))
        })
        .join()
        .expect("a thread");
        assert_eq!((own, child), (before.max(NICENESS), before.max(NICENESS)));
        assert_eq!(niceness(), before);
    }

    #[test]
    fn the_group_that_this_process_is_in_is_left_as_it_is() {
        let group = || fs::read_to_string("/proc/self/autogroup").ok();
        let before = group();
        assert_eq!(has_given_way_as_a_session(process::id()), before.is_none());
        assert_eq!(group(), before);
    }

    #[test]
    fn the_leader_of_a_session_is_read_whatever_the_process_is_called() {
        assert_eq!(leader("12 (cat) R 1 12 7 0 -1 4194304 76"), Some(7));
        assert_eq!(leader("12 (a ) R (b) S 1 12 8 0 -1 4194304 76"), Some(8));
        assert_eq!(leader("2 (cat) R 1 0 0 0 -1 4194304 76"), Some(0));
        assert_eq!(leader("2 (cat"), None);
        assert_eq!(leader("2 (cat) R 1"), None);
    }

    #[test]
    fn a_process_that_has_ended_is_not_waited_for() {
        assert!(has_given_way_as_a_session(u32::MAX));
    }
}

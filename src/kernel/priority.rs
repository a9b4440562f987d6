//! Priority of threads: what nobody waits for gives way to what answers people.

/// Niceness of a thread that gives way: where every core is busy, one that does not gets some nine tenths of its core.
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
}

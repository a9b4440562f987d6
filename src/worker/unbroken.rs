//! Parts of the worker that go on as long as it does. A panic ends one round of a part and not the part: from outside nobody
//! would see that it is gone, but that documents wait.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::PAUSE_AFTER_FAULT;

/// Runs a part until it ends by itself, which it does when asked to stop; begins it anew after a panic.
pub(super) async fn unbroken<F: Future<Output = ()>>(
    part: &'static str,
    stop: CancellationToken,
    run: impl Fn() -> F,
) {
    // What a round shares with the next one is behind locks that bear a panic, or in the database.
    while AssertUnwindSafe(Box::pin(run())).catch_unwind().await.is_err() {
        tracing::error!(part, "a part of the worker panicked; it begins anew");
        tokio::select! {
            () = tokio::time::sleep(PAUSE_AFTER_FAULT) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_panics_begins_anew_and_one_that_ends_does_not() {
        let rounds = AtomicUsize::new(0);
        let run = || async {
            assert!(rounds.fetch_add(1, Ordering::Relaxed) >= 2, "as asked");
        };
        unbroken("test", CancellationToken::new(), run).await;
        assert_eq!(rounds.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_panics_while_the_worker_stops_is_over() {
        let stop = CancellationToken::new();
        stop.cancel();
        let rounds = AtomicUsize::new(0);
        let run = || async {
            rounds.fetch_add(1, Ordering::Relaxed);
            panic!("as asked");
        };
        unbroken("test", stop, run).await;
        assert_eq!(rounds.load(Ordering::Relaxed), 1);
    }
}

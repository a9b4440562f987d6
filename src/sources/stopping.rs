//! A slice that ends soon after the process is asked to stop: the work in hand may take a little longer, and is then left as if it
//! had not been begun.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::settle::{Fate, Look};
use super::store::pages::Retry;
use super::sync::{SourceSync, Step};

/// What comes after work that is left: another process goes on with what was written down.
pub(super) const STOPPED: Step = Step::Later(Duration::ZERO);

impl SourceSync {
    /// What comes of some work; nothing when the process is asked to stop and it takes longer than it may then.
    pub(super) async fn unless_stopped<T>(
        &self,
        stop: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return Some(done),
            () = stop.cancelled() => {}
        }
        tokio::time::timeout(self.settings.stop_grace, work).await.ok()
    }
}

/// A page that nobody has looked at to the end, which is not its fault.
pub(super) fn given_back() -> Look {
    Look::plain(Fate::Again(Retry {
        wait: Duration::ZERO,
        counts: false,
        rests: true,
        code: "worker_stopped".to_owned(),
        detail: "the worker was asked to stop".to_owned(),
    }))
}

//! The end of this instance: answers go on for a while, then they are cut honestly, with what there is of their text.

use uuid::Uuid;

use super::live::Stop;
use super::{Chat, RunRef};
use crate::db::{self, TenantTx};

impl Chat {
    /// Lets answers go on for a while from now on, then cuts those that are left. Readers of other instances' runs are sent
    /// away at once; those of runs here stay until the last event.
    pub async fn drain(&self) {
        self.leaving.cancel();
        let mut left = self.live.len();
        let over = tokio::time::Instant::now() + self.settings.runs.drain;
        while left > 0 && tokio::time::Instant::now() < over {
            tokio::time::sleep(self.settings.runs.cancel_poll.min(self.settings.runs.drain)).await;
            left = self.live.len();
        }
        let cut = self.live.close();
        if cut > 0 {
            tracing::warn!(count = cut, "answers are cut because this instance ends");
        }
    }

    /// Asks whoever makes a run to stop it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn cancel(&self, tx: &mut TenantTx, run_id: Uuid) -> db::Result<()> {
        tx.request_cancel(run_id).await
    }

    /// Stops a run that is made here, without a look at the database.
    pub fn stop_here(&self, run: RunRef) {
        if let Some(live) = self.live.get(run.tenant, run.run_id) {
            live.stop(Stop::Cancelled);
        }
    }
}

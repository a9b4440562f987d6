//! Keeps the leases of this instance's runs, and looks whether somebody asked to stop one: one statement for all of them.

use std::collections::HashSet;
use std::time::Instant;

use uuid::Uuid;

use super::Chat;
use super::live::Stop;
use crate::db;

impl Chat {
    /// Goes on as long as there are runs here.
    pub(super) async fn keep_leases(self) {
        let every = self.settings.runs.lease / 3;
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.settings.runs.cancel_poll).await;
            let held = self.live.ids_or_release();
            if held.is_empty() {
                return;
            }
            let is_due = renewed.elapsed() >= every;
            match self.keep_once(&held, is_due).await {
                Ok(()) if is_due => renewed = Instant::now(),
                Ok(()) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "keeping the leases of runs; it is tried again");
                }
            }
        }
    }

    async fn keep_once(&self, held: &[Uuid], is_due: bool) -> db::Result<()> {
        let mut tx = self.db.system().await?;
        for run_id in tx.list_runs_to_cancel(self.instance_id).await? {
            self.live.stop(run_id, Stop::Cancelled);
        }
        if !is_due {
            return Ok(());
        }
        let renewed: HashSet<Uuid> = tx
            .renew_run_leases(self.instance_id, held, self.settings.runs.lease)
            .await?
            .into_iter()
            .collect();
        tx.commit().await?;
        for run_id in held.iter().filter(|run_id| !renewed.contains(run_id)) {
            self.live.stop(*run_id, Stop::Lost);
        }
        Ok(())
    }
}

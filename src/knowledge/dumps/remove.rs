//! Removes dumps whose time is over, and files that belong to no dump any more, whatever became of it.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Dumps;
use super::manifest::MANIFEST;
use super::table::{ChunkTable, DocumentTable, EmbeddingTable, Table};
use crate::adapters::objects::{ObjectError, ObjectKey};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::tenancy::each_tenant;

/// Files of a tenant that are looked up at once.
const ROWS: i64 = 100;
/// Names of all files that a dump may have.
const NAMES: [&str; 4] = [DocumentTable::FILE, ChunkTable::FILE, EmbeddingTable::FILE, MANIFEST];

impl Dumps {
    /// Removes what is over, tenant by tenant, until `stop`; how many dumps expired and how many sets of files were removed. What
    /// can not be removed now stays, and holds up nobody else.
    ///
    /// # Errors
    /// The tenants can not be listed.
    pub async fn sweep(&self, stop: &CancellationToken) -> db::Result<u64> {
        let mut count = 0;
        for tenant in each_tenant(&self.receiver.db).await? {
            match self.sweep_tenant(tenant, stop).await {
                Ok(swept) => count += swept,
                Err(error) => told_later(&error),
            }
        }
        Ok(count)
    }

    async fn sweep_tenant(&self, tenant: TenantId, stop: &CancellationToken) -> db::Result<u64> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let mut count = tx.delete_expired_dumps().await?;
        tx.commit().await?;
        let mut after = None;
        loop {
            let mut tx = self.receiver.db.tenant(tenant).await?;
            let strays = tx.list_stray_dump_files(after, ROWS).await?;
            drop(tx);
            after = strays.last().copied();
            for files_id in &strays {
                if stop.is_cancelled() {
                    return Ok(count);
                }
                match self.remove_files(tenant, *files_id).await {
                    Ok(()) => {}
                    Err(error) => {
                        told_later(&error);
                        continue;
                    }
                }
                // Last, so that what a process leaves that dies in between is found again.
                let mut tx = self.receiver.db.tenant(tenant).await?;
                tx.forget_dump_files(*files_id).await?;
                tx.commit().await?;
                count += 1;
            }
            if i64::try_from(strays.len()).is_ok_and(|found| found < ROWS) {
                return Ok(count);
            }
        }
    }

    /// Removes the files of an attempt with all parts of them.
    async fn remove_files(&self, tenant: TenantId, files_id: Uuid) -> Result<(), ObjectError> {
        for name in NAMES {
            let key = ObjectKey::dump(tenant, files_id, name);
            self.objects().abort_upload(&key, None).await?;
            self.objects().delete(&key).await?;
        }
        Ok(())
    }
}

/// What the sweeper does again.
fn told_later(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error, "files of a dump are removed later");
}

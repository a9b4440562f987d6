//! Notes failed logins in the audit log of their tenant: after the answer, so that its time does not tell whether there
//! is such an account, and only so many of them, so that a flood does not fill the log.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, Db};
use crate::identity::RequestOrigin;
use crate::identity::throttle::{Rate, Throttle};
use crate::kernel::ids::TenantId;

/// Entries about one login name.
const BY_NAME: Rate = Rate { burst: 10, interval: Duration::from_secs(60) };
/// Entries of one tenant.
const BY_TENANT: Rate = Rate { burst: 100, interval: Duration::from_secs(10) };

/// A login that failed.
pub struct Failure {
    /// Tenant that was named.
    pub tenant: TenantId,
    /// Person, where there is such an account.
    pub member_id: Option<Uuid>,
    /// Name that was given.
    pub login_name: String,
    /// Where it came from.
    pub request: RequestOrigin,
}

/// Notes failures.
#[derive(Clone, Debug)]
pub struct Failures {
    db: Db,
    tasks: TaskTracker,
    by_name: Arc<Throttle<[u8; 32]>>,
    by_tenant: Arc<Throttle<TenantId>>,
}

impl Failures {
    pub fn new(db: Db, tasks: TaskTracker) -> Self {
        Self {
            db,
            tasks,
            by_name: Arc::new(Throttle::new(BY_NAME)),
            by_tenant: Arc::new(Throttle::new(BY_TENANT)),
        }
    }

    /// Notes one away from the request. The name itself is not noted: people type passwords into that field.
    pub fn note(&self, failure: Failure) {
        let digest: [u8; 32] = Sha256::new_with_prefix(failure.tenant.uuid().as_bytes())
            .chain_update(failure.login_name.as_bytes())
            .finalize()
            .into();
        if self.by_name.take(digest).is_err() || self.by_tenant.take(failure.tenant).is_err() {
            return;
        }
        let db = self.db.clone();
        self.tasks.spawn(async move {
            if let Err(error) = append(&db, failure).await {
                tracing::warn!(%error, "noting a failed login");
            }
        });
    }
}

async fn append(db: &Db, failure: Failure) -> db::Result<()> {
    let entry = AuditEntry {
        request_id: failure.request.request_id,
        address: failure.request.address.map(|address| address.to_string()),
        ..AuditEntry::new(AuditActor::system("login"), "login.failed")
    };
    let entry = match failure.member_id {
        Some(member_id) => entry.on("member", member_id),
        None => {
            let digest = hex::encode(Sha256::digest(failure.login_name.as_bytes()));
            entry.on("login_name_sha256", digest)
        }
    };
    let mut tx = db.tenant(failure.tenant).await?;
    tx.append_audit(entry).await?;
    tx.commit().await
}

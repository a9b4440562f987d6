//! Quotas: what may be used, what is refused above it, and that nothing is counted twice or forgotten, however many ask at
//! once and however their runs end.

mod asking;
mod at_once;
mod ceilings;
mod limits;
mod managing;
mod sums;
mod usage;

use chrono::{DateTime, Utc};
use pidima::db::Db;
use pidima::governance::{
    Charged, Estimate, Observed, QuotaWarning, Reservation, ReserveError, reserve_quota,
};
use pidima::kernel::ids::{TenantId, new_id};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestTenant;

/// Somebody's questions, without the answers: reserved and settled as chat does it.
#[derive(Clone)]
struct Asker {
    db: Db,
    tenant: TenantId,
    charged: Charged,
    at: DateTime<Utc>,
}

impl Asker {
    fn new(db: &Db, tenant: &TestTenant, charged: Charged) -> Self {
        Self { db: db.clone(), tenant: tenant.id, charged, at: Utc::now() }
    }

    /// The same at another time.
    fn at(&self, at: DateTime<Utc>) -> Self {
        Self { at, ..self.clone() }
    }

    /// A run that goes on, unless it is refused.
    async fn begin(
        &self,
        tokens: i64,
        cost: i64,
    ) -> Result<(Uuid, Vec<QuotaWarning>), ReserveError> {
        let run_id = new_id();
        let estimate = Estimate { tokens, cost_micro_usd: cost };
        let reservation = Reservation { run_id, charged: self.charged, estimate, at: self.at };
        let mut tx = self.db.tenant(self.tenant).await?;
        let warnings = reserve_quota(&mut tx, &reservation).await?;
        tx.commit().await?;
        Ok((run_id, warnings))
    }

    /// Ends a run with what it used; whether it was not ended before.
    async fn end(&self, run_id: Uuid, tokens: i64, cost: i64) -> bool {
        let observed = Observed {
            input_tokens: Some(tokens - tokens / 3),
            output_tokens: Some(tokens / 3),
            cost_micro_usd: Some(cost),
            ..Observed::default()
        };
        let mut tx = self.db.tenant(self.tenant).await.unwrap();
        let settled = tx.settle_quota(run_id, &observed).await.unwrap();
        tx.commit().await.unwrap();
        settled
    }

    /// A run that begins and ends; whether it was let in.
    async fn ask(&self, tokens: i64, cost: i64) -> bool {
        match self.begin(tokens, cost).await {
            Ok((run_id, _)) => self.end(run_id, tokens, cost).await,
            Err(ReserveError::Exceeded(_)) => false,
            Err(ReserveError::Database(error)) => panic!("{error:?}"),
        }
    }
}

/// Sets a quota with a hard limit.
async fn limit(
    tenant: &TestTenant,
    subject: &str,
    id: Option<Uuid>,
    measure: &str,
    hard: i64,
) -> Value {
    let mut quota = json!({ "subject": subject, "measure": measure, "hard_limit": hard });
    if let Some(id) = id {
        quota["subject_id"] = json!(id);
    }
    if measure != "concurrent_runs" {
        quota["period"] = json!("day");
    }
    tenant.post("/v1/quotas", &quota).await.expect(201)
}

//! What somebody used in the periods that run, beside what they may use.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Measure, Period, Subject};
use crate::db::{self, TenantTx};
use crate::governance::store::quota_amounts::Place;

/// Use of one measure in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
    /// What runs that have ended used; of concurrent runs those that go on.
    pub used: i64,
    /// What runs that go on may use yet.
    pub reserved: i64,
    /// Lowest soft limit in force.
    pub soft_limit: Option<i64>,
    /// Lowest hard limit in force.
    pub hard_limit: Option<i64>,
    /// When the period ends.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Use of each measure in each period by one subject at an instant, from the rows of the runs.
///
/// # Errors
/// The database failed.
pub async fn find_usage(
    tx: &mut TenantTx,
    subject: Subject,
    subject_id: Uuid,
    at: DateTime<Utc>,
) -> db::Result<Vec<Usage>> {
    let place = |period: Period| Place { subject, subject_id, period, start: period.start(at) };
    let spent = tx.list_spent(&Period::ALL.map(place)).await?;
    let limits = tx.list_limits_in_force(&[(subject, subject_id)]).await?;
    let mut usage = Vec::new();
    for measure in Measure::ALL {
        for row in spent.iter().filter(|row| measure.has(row.period)) {
            let (used, reserved) = match measure {
                Measure::Questions => (row.questions, 0),
                Measure::Tokens => (row.tokens, row.reserved_tokens),
                Measure::CostMicroUsd => (row.cost_micro_usd, row.reserved_cost_micro_usd),
                Measure::ConcurrentRuns => (row.open, 0),
            };
            let mine = limits.iter().filter(|limit| limit.measure == measure);
            let mine = mine.filter(|limit| limit.period == row.period);
            usage.push(Usage {
                measure,
                period: row.period,
                used,
                reserved,
                soft_limit: mine.clone().filter_map(|limit| limit.soft_limit).min(),
                hard_limit: mine.filter_map(|limit| limit.hard_limit).min(),
                resets_at: row.period.end(at),
            });
        }
    }
    Ok(usage)
}

impl Measure {
    /// Whether it is counted in a period.
    pub(in crate::governance) fn has(self, period: Period) -> bool {
        (self == Self::ConcurrentRuns) == (period == Period::None)
    }
}

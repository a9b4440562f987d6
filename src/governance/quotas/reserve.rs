//! Reserves what a question may use, or refuses it. Called by chat as the last step of the transaction that stores the
//! question: the rows that count a limited subject are locked from here to its commit, so that questions that come at
//! once are looked at one after the other.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Estimate, Measure, Period, Subject};
use crate::db::{self, TenantTx};
use crate::governance::store::quota_amounts::{Counted, LimitInForce, Open, Place};
use crate::identity::{Actor, Principal};
use crate::kernel::ids::TenantId;

/// When a run ends nobody knows: how long to wait for one.
const RUN_RETRY: Duration = Duration::from_secs(2);

/// Who is charged for a run, besides the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// Assistant that is asked.
    pub assistant_id: Option<Uuid>,
    /// Key that asks, or the key of the widget.
    pub api_key_id: Option<Uuid>,
    /// Member or end user who asks.
    pub person_id: Option<Uuid>,
}

impl From<&Actor> for Charged {
    fn from(actor: &Actor) -> Self {
        let (api_key_id, person_id) = match actor.principal {
            Principal::ApiKey { api_key_id, .. } => (Some(api_key_id), None),
            Principal::Member { member_id, .. } => (None, Some(member_id)),
            Principal::EndUser { api_key_id, end_user_id, .. } => {
                (Some(api_key_id), Some(end_user_id))
            }
        };
        Self { assistant_id: None, api_key_id, person_id }
    }
}

impl Charged {
    /// Everything that is charged, the tenant first.
    pub(in crate::governance) fn subjects(&self, tenant: TenantId) -> Vec<(Subject, Uuid)> {
        let others = [
            (Subject::Assistant, self.assistant_id),
            (Subject::Key, self.api_key_id),
            (Subject::Person, self.person_id),
        ];
        let others = others.into_iter().filter_map(|(subject, id)| Some((subject, id?)));
        std::iter::once((Subject::Tenant, tenant.uuid())).chain(others).collect()
    }
}

/// What a run reserves.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    /// Run.
    pub run_id: Uuid,
    /// Who is charged.
    pub charged: Charged,
    /// The most that it may use.
    pub estimate: Estimate,
    /// Now.
    pub at: DateTime<Utc>,
}

/// A quota whose soft limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaWarning {
    /// What is limited.
    pub subject: Subject,
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
}

/// A quota that is used up. It names no amounts: those of the tenant are not everybody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceededQuota {
    /// What is limited.
    pub subject: Subject,
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
    /// When there is something again; unknown for runs that go on.
    pub resets_at: Option<DateTime<Utc>>,
    /// How long to wait for that.
    pub retry_after: Duration,
}

/// Why nothing was reserved. The transaction must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// A limit is reached.
    #[error("{0}")]
    Exceeded(ExceededQuota),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Reserves what a run may use; what is told are the soft limits that are reached.
///
/// # Errors
/// See [`ReserveError`].
pub async fn reserve_quota(
    tx: &mut TenantTx,
    reservation: &Reservation,
) -> Result<Vec<QuotaWarning>, ReserveError> {
    let subjects = reservation.charged.subjects(tx.tenant());
    let limits = tx.insert_reservation(reservation, &subjects).await?;
    if limits.is_empty() {
        return Ok(Vec::new());
    }
    let places = places(&limits, reservation.at);
    let counted = tx.count_question(&places).await?;
    // A statement of its own: it must see what was committed while the one before waited for its turn.
    let open = tx.list_open(&places, reservation.run_id).await?;
    let used = |limit: &LimitInForce| used(limit, &counted, &open);
    let full =
        limits.iter().filter(|limit| limit.hard_limit.is_some_and(|most| used(limit) >= most));
    let exceeded = full.map(|limit| exceeded(limit, reservation.at));
    // Who came back when the first of them is over would be refused by the next.
    if let Some(last) = exceeded.max_by_key(|quota| quota.retry_after) {
        return Err(ReserveError::Exceeded(last));
    }
    let low =
        limits.iter().filter(|limit| limit.soft_limit.is_some_and(|most| used(limit) >= most));
    Ok(low.map(warning).collect())
}

/// Rows that count what is limited, each once and in one order for everybody: two that wait for each other would both
/// fail.
pub(super) fn places(limits: &[LimitInForce], at: DateTime<Utc>) -> Vec<Place> {
    let mut places: Vec<Place> = limits
        .iter()
        .map(|limit| Place {
            subject: limit.subject,
            subject_id: limit.subject_id,
            period: limit.period,
            start: limit.period.start(at),
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What others have used and reserved already.
pub(super) fn used(limit: &LimitInForce, counted: &[Counted], open: &[Open]) -> i64 {
    let counted = counted.iter().find(|row| row.is_of(limit.subject, limit.period));
    let open = open.iter().find(|row| row.is_of(limit.subject, limit.period));
    let (Some(counted), Some(open)) = (counted, open) else { return 0 };
    match limit.measure {
        Measure::Questions => counted.questions_before,
        Measure::Tokens => counted.tokens.saturating_add(open.tokens),
        Measure::CostMicroUsd => counted.cost_micro_usd.saturating_add(open.cost_micro_usd),
        Measure::ConcurrentRuns => open.runs,
    }
}

fn warning(limit: &LimitInForce) -> QuotaWarning {
    QuotaWarning { subject: limit.subject, measure: limit.measure, period: limit.period }
}

pub(super) fn exceeded(limit: &LimitInForce, at: DateTime<Utc>) -> ExceededQuota {
    let resets_at = limit.period.end(at);
    let wait = resets_at.and_then(|end| (end - at).to_std().ok());
    ExceededQuota {
        subject: limit.subject,
        measure: limit.measure,
        period: limit.period,
        resets_at,
        retry_after: wait.unwrap_or(RUN_RETRY),
    }
}

impl fmt::Display for ExceededQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measure = match self.measure {
            Measure::Questions => "questions",
            Measure::Tokens => "tokens",
            Measure::CostMicroUsd => "money",
            Measure::ConcurrentRuns => {
                return write!(
                    f,
                    "as many answers as the quota of this {} allows are being made; ask again when one is done",
                    self.subject
                );
            }
        };
        write!(
            f,
            "the quota of {measure} of this {} is used up for this {}; ask again after Retry-After, or have an admin raise it",
            self.subject,
            self.period.as_str()
        )
    }
}

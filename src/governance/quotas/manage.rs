//! Sets, changes and takes away quotas, each change with its entry in the audit log. The counters are made anew in the
//! same transaction, so that a quota counts from the beginning of its period and not from the moment when it was set.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{EACH, Measure, Period, SetBy, Subject};
use crate::db::audit::AuditEntry;
use crate::db::{self, OnConstraint, TenantTx};
use crate::governance::store::quotas::Quota;
use crate::identity::{Actor, Operator};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Limits of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// From this much on answers carry a warning.
    pub soft: Option<i64>,
    /// From this much on questions are refused.
    pub hard: Option<i64>,
}

/// A quota to be set by the tenant's admins.
#[derive(Clone, Copy, Debug)]
pub struct NewQuota {
    /// What is limited.
    pub subject: Subject,
    /// Which one; each one that has no quota of its own when absent.
    pub subject_id: Option<Uuid>,
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
    /// How much.
    pub limits: QuotaLimits,
}

/// A quota of a whole tenant that its operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
    /// How much.
    pub limits: QuotaLimits,
}

/// Why a quota was not set. The transaction must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// No such quota in this tenant.
    #[error("there is no such quota")]
    Unknown,
    /// No such subject in this tenant.
    #[error("there is no such {0}")]
    UnknownSubject(Subject),
    /// It limits nothing.
    #[error("must have soft_limit or hard_limit, or both")]
    NoLimit,
    /// The warning would come too late.
    #[error("must not be above hard_limit")]
    SoftAboveHard,
    /// What is measured has no such period.
    #[error("{0}")]
    Period(&'static str),
    /// The tenant is one.
    #[error("must be absent for the subject tenant")]
    TenantId,
    /// The same subject, measure and period.
    #[error("there is a quota for this subject, measure and period already; change that one")]
    Taken,
    /// Two ceilings for one measure and period.
    #[error("names the same measure and period twice")]
    Twice,
    /// The tenant has as many as it may.
    #[error("the tenant has {0} quotas, which is the most; delete one first")]
    TooMany(u32),
    /// The operator set it.
    #[error("the operator of the installation set this quota; ask them to change it")]
    Ceiling,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Sets a quota.
///
/// # Errors
/// See [`QuotaError`].
pub async fn create_quota(
    tx: &mut TenantTx,
    actor: &Actor,
    new: &NewQuota,
    most: u32,
) -> Result<Quota, QuotaError> {
    check(new.measure, new.period, new.limits)?;
    let subject_id = subject_id(tx, new).await?;
    // Those who set quotas at once are counted one after the other.
    tx.lock_tenant().await?;
    if tx.count_quotas().await? >= i64::from(most) {
        return Err(QuotaError::TooMany(most));
    }
    let at = clock::now();
    let quota =
        quota(SetBy::Tenant, (new.subject, subject_id), (new.measure, new.period), new.limits, at);
    tx.insert_quota(&quota).await.on_constraint("quotas_subject_key", || QuotaError::Taken)?;
    tx.recount_quotas(at).await?;
    let entry = actor.audit("quota.created").on("quota", quota.quota_id);
    tx.append_audit(entry.after(facts(&quota))).await?;
    Ok(quota)
}

/// Gives a quota other limits.
///
/// # Errors
/// See [`QuotaError`].
pub async fn change_quota(
    tx: &mut TenantTx,
    actor: &Actor,
    quota_id: Uuid,
    change: impl FnOnce(QuotaLimits) -> QuotaLimits,
) -> Result<Quota, QuotaError> {
    tx.lock_tenant().await?;
    let before = own(tx, quota_id).await?;
    let limits = change(QuotaLimits { soft: before.soft_limit, hard: before.hard_limit });
    check_limits(limits)?;
    let after = Quota {
        soft_limit: limits.soft,
        hard_limit: limits.hard,
        updated_at: clock::now(),
        ..before.clone()
    };
    if facts(&before) == facts(&after) {
        return Ok(before);
    }
    tx.update_quota(&after).await?;
    let entry = actor.audit("quota.changed").on("quota", quota_id);
    tx.append_audit(entry.before(facts(&before)).after(facts(&after))).await?;
    Ok(after)
}

/// Takes a quota away.
///
/// # Errors
/// See [`QuotaError`].
pub async fn delete_quota(
    tx: &mut TenantTx,
    actor: &Actor,
    quota_id: Uuid,
) -> Result<(), QuotaError> {
    tx.lock_tenant().await?;
    let before = own(tx, quota_id).await?;
    tx.delete_quota(quota_id).await?;
    tx.recount_quotas(clock::now()).await?;
    let entry = actor.audit("quota.deleted").on("quota", quota_id);
    tx.append_audit(entry.before(facts(&before))).await?;
    Ok(())
}

/// Puts the operator's ceilings of a tenant in the place of those that it has.
///
/// # Errors
/// See [`QuotaError`].
pub async fn replace_ceilings(
    tx: &mut TenantTx,
    operator: &Operator,
    ceilings: &[Ceiling],
) -> Result<(), QuotaError> {
    for (place, ceiling) in ceilings.iter().enumerate() {
        check(ceiling.measure, ceiling.period, ceiling.limits)?;
        let is_same =
            |other: &Ceiling| (other.measure, other.period) == (ceiling.measure, ceiling.period);
        if ceilings[..place].iter().any(is_same) {
            return Err(QuotaError::Twice);
        }
    }
    tx.lock_tenant().await?;
    tx.delete_ceilings().await?;
    let at = clock::now();
    let subject = (Subject::Tenant, tx.tenant().uuid());
    let mut told = Vec::new();
    for Ceiling { measure, period, limits } in ceilings {
        let quota = quota(SetBy::Operator, subject, (*measure, *period), *limits, at);
        tx.insert_quota(&quota).await?;
        told.push(facts(&quota));
    }
    tx.recount_quotas(at).await?;
    let entry: AuditEntry = operator.audit("tenant.ceilings_set").on("tenant", tx.tenant());
    tx.append_audit(entry.after(Value::from(told))).await?;
    Ok(())
}

/// The quota, when it is one that the tenant may change.
async fn own(tx: &mut TenantTx, quota_id: Uuid) -> Result<Quota, QuotaError> {
    let quota = tx.find_quota(quota_id).await?.ok_or(QuotaError::Unknown)?;
    if quota.set_by == SetBy::Operator.as_str() { Err(QuotaError::Ceiling) } else { Ok(quota) }
}

async fn subject_id(tx: &mut TenantTx, new: &NewQuota) -> Result<Uuid, QuotaError> {
    let tenant = tx.tenant().uuid();
    match (new.subject, new.subject_id) {
        (Subject::Tenant, Some(_)) => Err(QuotaError::TenantId),
        (Subject::Tenant, None) => Ok(tenant),
        (_, None) => Ok(EACH),
        (subject, Some(id)) if tx.has_quota_subject(subject, id).await? => Ok(id),
        (subject, Some(_)) => Err(QuotaError::UnknownSubject(subject)),
    }
}

fn check(measure: Measure, period: Period, limits: QuotaLimits) -> Result<(), QuotaError> {
    if !measure.has(period) {
        return Err(QuotaError::Period(match measure {
            Measure::ConcurrentRuns => "must be absent for concurrent_runs",
            _ => "must be minute, day or month",
        }));
    }
    check_limits(limits)
}

fn check_limits(limits: QuotaLimits) -> Result<(), QuotaError> {
    match (limits.soft, limits.hard) {
        (None, None) => Err(QuotaError::NoLimit),
        (Some(soft), Some(hard)) if soft > hard => Err(QuotaError::SoftAboveHard),
        _ => Ok(()),
    }
}

fn quota(
    set_by: SetBy,
    (subject, subject_id): (Subject, Uuid),
    (measure, period): (Measure, Period),
    limits: QuotaLimits,
    at: DateTime<Utc>,
) -> Quota {
    Quota {
        quota_id: new_id(),
        set_by: set_by.as_str().to_owned(),
        subject: subject.as_str().to_owned(),
        subject_id,
        measure: measure.as_str().to_owned(),
        period: period.as_str().to_owned(),
        soft_limit: limits.soft,
        hard_limit: limits.hard,
        created_at: at,
        updated_at: at,
    }
}

fn facts(quota: &Quota) -> Value {
    json!({
        "subject": quota.subject,
        "subject_id": (quota.subject_id != EACH).then_some(quota.subject_id),
        "measure": quota.measure,
        "period": quota.period,
        "soft_limit": quota.soft_limit,
        "hard_limit": quota.hard_limit,
    })
}

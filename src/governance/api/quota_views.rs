//! Quotas as clients see them, and the problems of setting them.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::quota_names::{MeasureName, PeriodName, SubjectName};
use crate::db;
use crate::governance::quotas::{EACH, QuotaError};
use crate::governance::store::quotas::Quota;
use crate::governance::{Measure, Period, Subject};
use crate::web::problem::{ApiError, ProblemCode};

/// Who set a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "QuotaSetBy", rename_all = "snake_case")]
pub enum SetByName {
    /// The operator of the installation: the tenant cannot change it.
    Operator,
    /// The tenant's admins.
    Tenant,
}

/// How much may be used.
#[derive(Debug, Object)]
#[oai(rename = "Quota", skip_serializing_if_is_none)]
pub struct QuotaView {
    /// Id of the quota.
    id: Uuid,
    /// Who set it.
    set_by: SetByName,
    /// What it limits.
    subject: SubjectName,
    /// Which one; absent for the tenant, and for each one that has no quota of its own.
    subject_id: Option<Uuid>,
    /// What it counts.
    measure: MeasureName,
    /// In which period; absent for `concurrent_runs`.
    period: Option<PeriodName>,
    /// From this much on answers carry the header `Pidima-Quota-Warning`; absent for never.
    soft_limit: Option<i64>,
    /// From this much on questions are refused with 429 `quota_exceeded`; absent for never.
    hard_limit: Option<i64>,
    /// When it was set first.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

impl TryFrom<Quota> for QuotaView {
    type Error = db::Error;

    fn try_from(quota: Quota) -> db::Result<Self> {
        let parts = (
            Subject::from_row(&quota.subject),
            Measure::from_row(&quota.measure),
            Period::from_row(&quota.period),
        );
        let (Some(subject), Some(measure), Some(period)) = parts else {
            let detail = format!("a name of {} is none", quota.quota_id);
            return Err(db::Error::Inconsistent { table: "quotas", detail });
        };
        let is_one = subject != Subject::Tenant && quota.subject_id != EACH;
        Ok(Self {
            id: quota.quota_id,
            set_by: if quota.set_by == "operator" {
                SetByName::Operator
            } else {
                SetByName::Tenant
            },
            subject: subject.into(),
            subject_id: is_one.then_some(quota.subject_id),
            measure: measure.into(),
            period: PeriodName::of(period),
            soft_limit: quota.soft_limit,
            hard_limit: quota.hard_limit,
            created_at: quota.created_at,
            updated_at: quota.updated_at,
        })
    }
}

impl From<QuotaError> for ApiError {
    fn from(error: QuotaError) -> Self {
        let text = error.to_string();
        match error {
            QuotaError::Unknown => Self::not_found("quota"),
            QuotaError::UnknownSubject(Subject::Key) => Self::not_found("API key"),
            QuotaError::UnknownSubject(Subject::Person) => Self::not_found("member"),
            QuotaError::UnknownSubject(subject) => Self::not_found(subject.as_str()),
            QuotaError::NoLimit => Self::invalid("/hard_limit", text),
            QuotaError::SoftAboveHard => Self::invalid("/soft_limit", text),
            QuotaError::Period(_) => Self::invalid("/period", text),
            QuotaError::TenantId => Self::invalid("/subject_id", text),
            QuotaError::Twice => Self::invalid("/ceilings", text),
            QuotaError::Taken | QuotaError::TooMany(_) => Self::new(ProblemCode::Conflict, text),
            QuotaError::Ceiling => Self::new(ProblemCode::Forbidden, text),
            QuotaError::Database(error) => error.into(),
        }
    }
}

//! `/v1/usage`.

use chrono::{DateTime, Utc};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::quota_names::{MeasureName, PeriodName, SubjectName};
use crate::db::Db;
use crate::governance::Subject;
use crate::governance::quotas::{Charged, QuotaError, Usage, find_usage};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::kernel::clock;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Use of one measure in one period.
#[derive(Debug, Object)]
#[oai(rename = "MeasuredUsage", skip_serializing_if_is_none)]
pub struct MeasuredUsageView {
    /// What is counted.
    measure: MeasureName,
    /// In which period; absent for `concurrent_runs`.
    period: Option<PeriodName>,
    /// What was used by answers that are done, of the tenant by enrichment too; of `questions` all that were asked, of
    /// `concurrent_runs` those that go on.
    used: i64,
    /// What answers that are being made, and of the tenant enrichment, may use yet.
    reserved: i64,
    /// Lowest soft limit in force; absent for none.
    soft_limit: Option<i64>,
    /// Lowest hard limit in force; absent for none.
    hard_limit: Option<i64>,
    /// When the period ends and counting begins anew.
    resets_at: Option<DateTime<Utc>>,
}

/// What somebody used in the periods that run.
#[derive(Debug, Object)]
#[oai(rename = "SubjectUsage")]
pub struct UsageView {
    /// Whose use it is.
    subject: SubjectName,
    /// Which one.
    subject_id: Uuid,
    /// Each measure in each period.
    #[oai(validator(max_items = 20))]
    items: Vec<MeasuredUsageView>,
}

/// Operations on usage.
pub struct UsageApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Governance")]
impl UsageApi {
    /// Get usage
    ///
    /// How many questions, tokens and millionths of a US dollar were used in this minute, day and month (UTC), what is
    /// reserved by answers that are being made, and the limits in force. Without parameters it is your own: that of your
    /// key, or of you as a person. Anybody else's, and the tenant's, need the role admin.
    #[oai(path = "/usage", method = "get", operation_id = "get_usage")]
    async fn get_usage(
        &self,
        caller: Caller,
        /// Whose use; your own when absent.
        subject: Query<Option<SubjectName>>,
        /// Which one; needed beside `assistant`, `key` and `person`.
        subject_id: Query<Option<Uuid>>,
    ) -> Result<Json<UsageView>, ApiError> {
        let actor = caller.require(Action::UsageRead)?;
        let (subject, id) = wanted(actor, subject.0.map(SubjectName::subject), subject_id.0)?;
        if own(actor) != (subject, id) {
            caller.require(Action::QuotaRead)?;
        }
        let mut tx = self.db.tenant(actor.tenant).await?;
        let usage = find_usage(&mut tx, subject, id, clock::now()).await?;
        // End users have no row of their own: they are there when they asked something.
        let is_known = usage.iter().any(|usage| usage.used > 0);
        if !is_known && own(actor) != (subject, id) && !tx.has_quota_subject(subject, id).await? {
            return Err(QuotaError::UnknownSubject(subject).into());
        }
        let items = usage.into_iter().map(Into::into).collect();
        Ok(Json(UsageView { subject: subject.into(), subject_id: id, items }))
    }
}

fn own(actor: &Actor) -> (Subject, Uuid) {
    let charged = Charged::from(actor);
    match charged.person_id {
        Some(person_id) => (Subject::Person, person_id),
        None => (Subject::Key, actor.id()),
    }
}

fn wanted(
    actor: &Actor,
    subject: Option<Subject>,
    id: Option<Uuid>,
) -> Result<(Subject, Uuid), ApiError> {
    match (subject, id) {
        (None, None) => Ok(own(actor)),
        (None, Some(_)) => Err(ApiError::invalid("subject", "is needed beside subject_id")),
        (Some(Subject::Tenant), None) => Ok((Subject::Tenant, actor.tenant.uuid())),
        (Some(Subject::Tenant), Some(_)) => {
            Err(ApiError::invalid("subject_id", "must be absent for the subject tenant"))
        }
        (Some(subject), Some(id)) => Ok((subject, id)),
        (Some(subject), None) => {
            Err(ApiError::invalid("subject_id", format!("is needed for the subject {subject}")))
        }
    }
}

impl From<Usage> for MeasuredUsageView {
    fn from(usage: Usage) -> Self {
        Self {
            measure: usage.measure.into(),
            period: PeriodName::of(usage.period),
            used: usage.used,
            reserved: usage.reserved,
            soft_limit: usage.soft_limit,
            hard_limit: usage.hard_limit,
            resets_at: usage.resets_at,
        }
    }
}

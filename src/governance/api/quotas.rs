//! `/v1/quotas`.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::quota_names::{MeasureName, PeriodName, SubjectName};
use super::quota_views::QuotaView;
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::governance::quotas::{NewQuota, QuotaLimits, change_quota, create_quota, delete_quota};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "quotas";

/// A quota to be set.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct QuotaCreate {
    /// What it limits.
    subject: SubjectName,
    /// Which one, such as the id of a key; absent for the tenant, and to limit each one that has no quota of its own.
    subject_id: Option<Uuid>,
    /// What it counts.
    measure: MeasureName,
    /// In which period; absent for `concurrent_runs`, and needed for everything else.
    period: Option<PeriodName>,
    /// From this much on answers carry a warning; not above `hard_limit`. One of the two must be given.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    soft_limit: Option<i64>,
    /// From this much on questions are refused; 0 refuses all.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    hard_limit: Option<i64>,
}

impl Example for QuotaCreate {
    fn example() -> Self {
        Self {
            subject: SubjectName::Person,
            subject_id: None,
            measure: MeasureName::Questions,
            period: Some(PeriodName::Day),
            soft_limit: Some(160),
            hard_limit: Some(200),
        }
    }
}

/// What to change of a quota; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct QuotaUpdate {
    /// From this much on answers carry a warning; null for never.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    soft_limit: MaybeUndefined<i64>,
    /// From this much on questions are refused; null for never.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    hard_limit: MaybeUndefined<i64>,
}

impl Example for QuotaUpdate {
    fn example() -> Self {
        Self { soft_limit: MaybeUndefined::Undefined, hard_limit: MaybeUndefined::Value(500) }
    }
}

/// A page of quotas.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct QuotaList {
    /// Quotas, oldest first.
    #[oai(validator(max_items = 100))]
    items: Vec<QuotaView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The quota holds from now on, and counts what was used in its period before.
    #[oai(status = 201)]
    Created(Json<QuotaView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The quota is gone.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on quotas.
pub struct QuotasApi {
    /// The database.
    pub db: Db,
    /// Most quotas that a tenant's admins can set.
    pub max_quotas: u32,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Governance")]
impl QuotasApi {
    /// List quotas
    ///
    /// What limits the tenant and its assistants, keys and people, oldest first, with the ceilings that the operator set.
    /// Needs the role admin.
    #[oai(path = "/quotas", method = "get", operation_id = "list_quotas")]
    async fn list_quotas(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<QuotaList>, ApiError> {
        let actor = caller.require(Action::QuotaRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.db.tenant(actor.tenant).await?.list_quotas(None, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(QuotaList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Set a quota
    ///
    /// Limits what a subject may use of a measure in a period. One subject has one quota of a measure and period; the
    /// ceilings of the operator hold beside it. What was used in the period before counts. Needs the role admin.
    #[oai(path = "/quotas", method = "post", operation_id = "create_quota")]
    async fn create_quota(
        &self,
        caller: Caller,
        body: Once<JsonBody<QuotaCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::QuotaWrite)?;
        let (body, claim) = body.by(actor.id());
        let QuotaCreate { subject, subject_id, measure, period, soft_limit, hard_limit } = body.0;
        let new = NewQuota {
            subject: subject.subject(),
            subject_id,
            measure: measure.measure(),
            period: PeriodName::period(period),
            limits: QuotaLimits { soft: soft_limit, hard: hard_limit },
        };
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let quota = create_quota(&mut tx, actor, &new, self.max_quotas).await?;
        Replayable::commit(tx, CreateResponse::Created(Json(quota.try_into()?))).await
    }

    /// Get a quota
    ///
    /// Shows one quota. Needs the role admin.
    #[oai(path = "/quotas/:quota_id", method = "get", operation_id = "get_quota")]
    async fn get_quota(
        &self,
        caller: Caller,
        /// Id of the quota.
        quota_id: Path<Uuid>,
    ) -> Result<Json<QuotaView>, ApiError> {
        let actor = caller.require(Action::QuotaRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_quota(quota_id.0).await?;
        let quota = found.ok_or_else(|| ApiError::not_found("quota"))?;
        Ok(Json(quota.try_into()?))
    }

    /// Update a quota
    ///
    /// Changes the limits; what is absent stays. A ceiling of the operator is refused with 403. Needs the role admin.
    #[oai(path = "/quotas/:quota_id", method = "patch", operation_id = "update_quota")]
    async fn update_quota(
        &self,
        caller: Caller,
        /// Id of the quota.
        quota_id: Path<Uuid>,
        body: JsonBody<QuotaUpdate>,
    ) -> Result<Json<QuotaView>, ApiError> {
        let actor = caller.require(Action::QuotaWrite)?;
        let QuotaUpdate { soft_limit, hard_limit } = body.0;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let change = |before: QuotaLimits| QuotaLimits {
            soft: given(soft_limit, before.soft),
            hard: given(hard_limit, before.hard),
        };
        let quota = change_quota(&mut tx, actor, quota_id.0, change).await?;
        tx.commit().await?;
        Ok(Json(quota.try_into()?))
    }

    /// Delete a quota
    ///
    /// Takes a limit away. A ceiling of the operator is refused with 403. Needs the role admin.
    #[oai(path = "/quotas/:quota_id", method = "delete", operation_id = "delete_quota")]
    async fn delete_quota(
        &self,
        caller: Caller,
        /// Id of the quota.
        quota_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::QuotaWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        delete_quota(&mut tx, actor, quota_id.0).await?;
        tx.commit().await?;
        Ok(DeleteResponse::Deleted)
    }
}

fn given(limit: MaybeUndefined<i64>, before: Option<i64>) -> Option<i64> {
    match limit {
        MaybeUndefined::Undefined => before,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(limit) => Some(limit),
    }
}

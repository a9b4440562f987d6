//! `/v1/platform/tenants/{tenant_id}/quotas`: the ceilings that the operator sets.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::quota_names::{MeasureName, PeriodName};
use super::quota_views::QuotaView;
use crate::db::{self, Db, Keyset, TenantTx};
use crate::governance::quotas::{Ceiling, QuotaLimits, SetBy, replace_ceilings};
use crate::identity::api::OperatorCaller;
use crate::web::body::JsonBody;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// All ceilings that there can be: three measures in three periods, and the runs at once.
const MOST_CEILINGS: u32 = 10;

/// A limit of a whole tenant.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub struct CeilingSet {
    /// What it counts.
    measure: MeasureName,
    /// In which period; absent for `concurrent_runs`, and needed for everything else.
    period: Option<PeriodName>,
    /// From this much on answers carry a warning.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    soft_limit: Option<i64>,
    /// From this much on questions are refused; 0 refuses all.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
    hard_limit: Option<i64>,
}

/// All ceilings of a tenant.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct CeilingsUpdate {
    /// Each measure and period once; what is not named is not limited by the operator.
    #[oai(validator(max_items = 10))]
    ceilings: Vec<CeilingSet>,
}

impl Example for CeilingsUpdate {
    fn example() -> Self {
        let cost = CeilingSet {
            measure: MeasureName::CostMicroUsd,
            period: Some(PeriodName::Month),
            soft_limit: Some(400_000_000),
            hard_limit: Some(500_000_000),
        };
        let runs = CeilingSet {
            measure: MeasureName::ConcurrentRuns,
            period: None,
            soft_limit: None,
            hard_limit: Some(50),
        };
        Self { ceilings: vec![cost, runs] }
    }
}

/// The ceilings of a tenant.
#[derive(Debug, Object)]
pub struct CeilingList {
    /// Each measure and period at most once.
    #[oai(validator(max_items = 10))]
    items: Vec<QuotaView>,
}

/// Operations of the operator on quotas.
pub struct PlatformQuotasApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1/platform", tag = "Tag::Platform")]
impl PlatformQuotasApi {
    /// List ceilings of a tenant
    ///
    /// What the operator lets a tenant use; quotas that its own admins set are not shown. Needs a key of the operator.
    #[oai(
        path = "/tenants/:tenant_id/quotas",
        method = "get",
        operation_id = "list_platform_tenant_quotas"
    )]
    async fn list_platform_tenant_quotas(
        &self,
        caller: OperatorCaller,
        /// Id of the tenant.
        tenant_id: Path<Uuid>,
    ) -> Result<Json<CeilingList>, ApiError> {
        tracing::debug!(operator = %caller.0.operator_key_id, "reading ceilings");
        let mut tx = self.tenant(tenant_id.0).await?;
        Ok(Json(ceilings(&mut tx).await?))
    }

    /// Set the ceilings of a tenant
    ///
    /// Puts these limits in the place of all that the operator set before; an empty list takes all away. The tenant's
    /// admins see them and cannot change them; the quotas that they set hold beside them. Needs a key of the operator.
    #[oai(
        path = "/tenants/:tenant_id/quotas",
        method = "put",
        operation_id = "update_platform_tenant_quotas"
    )]
    async fn update_platform_tenant_quotas(
        &self,
        caller: OperatorCaller,
        /// Id of the tenant.
        tenant_id: Path<Uuid>,
        body: JsonBody<CeilingsUpdate>,
    ) -> Result<Json<CeilingList>, ApiError> {
        let wanted: Vec<Ceiling> = body.0.ceilings.into_iter().map(Into::into).collect();
        let mut tx = self.tenant(tenant_id.0).await?;
        replace_ceilings(&mut tx, &caller.0, &wanted).await?;
        let list = ceilings(&mut tx).await?;
        tx.commit().await?;
        Ok(Json(list))
    }
}

impl PlatformQuotasApi {
    async fn tenant(&self, id: Uuid) -> Result<TenantTx, ApiError> {
        let found = self.db.system().await?.find_tenant(id).await?;
        let entry = found.ok_or_else(|| ApiError::not_found("tenant"))?;
        Ok(self.db.tenant(entry.id.into()).await?)
    }
}

async fn ceilings(tx: &mut TenantTx) -> db::Result<CeilingList> {
    let all = Keyset { after: None, limit: MOST_CEILINGS };
    let page = tx.list_quotas(Some(SetBy::Operator), all).await?;
    let items = page.items.into_iter().map(TryInto::try_into);
    Ok(CeilingList { items: items.collect::<db::Result<_>>()? })
}

impl From<CeilingSet> for Ceiling {
    fn from(set: CeilingSet) -> Self {
        Self {
            measure: set.measure.measure(),
            period: PeriodName::period(set.period),
            limits: QuotaLimits { soft: set.soft_limit, hard: set.hard_limit },
        }
    }
}

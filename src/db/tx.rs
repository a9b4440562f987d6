//! The two kinds of transaction. Dropping one rolls it back; writing means `commit` by name.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use super::idempotency::Claim;
use super::{Error, Result};
use crate::kernel::ids::TenantId;
use crate::telemetry::{self, OpenSpan, traced};

const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// A transaction in which row-level security shows one tenant's rows and no other's.
#[derive(Debug)]
pub struct TenantTx {
    transaction: Transaction<'static, Postgres>,
    tenant: TenantId,
    /// Key under which the effect is wanted once; its outcome has to be kept before the end.
    pub(super) claim: Option<Claim>,
    _span: OpenSpan,
}

impl TenantTx {
    pub(super) async fn begin(pool: &PgPool, tenant: TenantId) -> Result<Self> {
        Self::begin_as(pool, tenant, "transaction", "begin", "").await
    }

    pub(super) async fn begin_snapshot(pool: &PgPool, tenant: TenantId) -> Result<Self> {
        Self::begin_as(pool, tenant, "snapshot", SNAPSHOT, "").await
    }

    pub(super) async fn begin_search(pool: &PgPool, tenant: TenantId) -> Result<Self> {
        let planned = ", set_config('plan_cache_mode', 'force_custom_plan', true)";
        Self::begin_as(pool, tenant, "search snapshot", SNAPSHOT, planned).await
    }

    pub(super) async fn begin_impatient(pool: &PgPool, tenant: TenantId) -> Result<Self> {
        let impatient = ", set_config('lock_timeout', '500ms', true)";
        Self::begin_as(pool, tenant, "transaction", "begin", impatient).await
    }

    /// Begins and sets the tenant in one round trip. Local to the transaction: at its end the setting is gone, whatever
    /// happened in between.
    async fn begin_as(
        pool: &PgPool,
        tenant: TenantId,
        span_name: &'static str,
        begin: &'static str,
        more: &'static str,
    ) -> Result<Self> {
        let _span = open(span_name);
        // Several statements go together only without parameters. A UUID in its own form has digits, a to f and dashes.
        let id = tenant.uuid().hyphenated();
        let name = named_for_caller();
        let set = format!("select set_config('app.tenant_id', '{id}', true){more}{name}");
        let begin = AssertSqlSafe(format!("{begin}; {set}"));
        Ok(Self { transaction: pool.begin_with(begin).await?, tenant, claim: None, _span })
    }

    /// The tenant, for the explicit `tenant_id = $1` that lets the planner use an index or prune partitions.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the stores' SQL.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes the writes lasting.
    ///
    /// # Errors
    /// The server refused or is gone, or a statement failed whose error nobody minded; nothing was written, unless the
    /// server went away after it had committed. Or there is a claim whose outcome nobody kept: a repeated request would do
    /// everything again.
    pub async fn commit(self) -> Result<()> {
        if self.claim.is_some() {
            self.rollback().await?;
            return Err(Error::Inconsistent {
                table: "idempotency_keys",
                detail: "an effect under a key would be committed without its outcome".to_owned(),
            });
        }
        commit(self.transaction).await
    }

    /// Undoes everything at once. Dropping does it too, a moment later: until then what is locked stays so.
    ///
    /// # Errors
    /// The server is gone, and with it the transaction.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }
}

/// A transaction without a tenant: it sees the queue and the directory of tenants, and no tenant's rows.
#[derive(Debug)]
pub struct SystemTx {
    transaction: Transaction<'static, Postgres>,
    _span: OpenSpan,
}

impl SystemTx {
    #[expect(clippy::disallowed_methods, reason = "transactions begin here and nowhere else")]
    pub(super) async fn begin(pool: &PgPool) -> Result<Self> {
        let _span = open("system transaction");
        Ok(Self { transaction: pool.begin().await?, _span })
    }

    /// The connection, for the stores' SQL.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes the writes lasting.
    ///
    /// # Errors
    /// The server refused or is gone, or a statement failed whose error nobody minded.
    pub async fn commit(self) -> Result<()> {
        commit(self.transaction).await
    }
}

/// Names the connection for the trace or the request until the transaction ends, so that whoever looks at the server's activity
/// or log finds who asked. It costs no round trip.
fn named_for_caller() -> String {
    let Some(caller) = telemetry::caller() else { return String::new() };
    format!(", set_config('application_name', 'pidima {caller:032x}', true)")
}

/// The span of a transaction, from before its begin to its end. It tells no statement.
pub(super) fn open(name: &'static str) -> OpenSpan {
    OpenSpan::new(traced!(
        "sql",
        otel.name = name,
        otel.kind = "client",
        db.system.name = "postgresql",
    ))
}

/// Commits in one round trip, or fails. PostgreSQL answers COMMIT after a failed statement with a rollback and no error,
/// and sqlx (through 0.9.0) takes that for success: hence the statement in front, which fails with the transaction. The
/// empty transaction behind it is the one that sqlx believes to be open; the pool rolls it back.
async fn commit(mut transaction: Transaction<'static, Postgres>) -> Result<()> {
    sqlx::raw_sql("select 1; commit; begin").execute(&mut *transaction).await?;
    Ok(())
}

//! SQL logins of analysts: a role that sees one tenant's rows in the views of schema `analytics`.
//!
//! Which tenant is decided by the session's login, in a table that only the owner writes: a setting that the analyst can
//! change does not matter. The isolation check holds every such role against what stands here.

use std::str::FromStr;

use chrono::{TimeDelta, Utc};
use rand::RngCore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use super::migrate::MigrateError;
use crate::kernel::ids::TenantId;

/// Connections of one login at once.
const CONNECTION_LIMIT: u32 = 10;
/// Time of one statement.
const STATEMENT_TIMEOUT: &str = "60s";

/// Opens to all logins what a migration left closed, since processes of the version before would take the new rights for a breach.
/// As the owner of the tables; done once, it does nothing. It rather fails than lets everybody wait behind one that reads long.
const OPEN_VIEWS: &str = "set local lock_timeout = '5s'; set local role pidima_owner; call app.open_enrichment_to_analysts(); reset role";

/// Days that a login lives when nobody says otherwise.
pub const DEFAULT_DAYS: u16 = 90;
/// Days that a login can live at most.
pub const MAX_DAYS: u16 = 365;

/// Name of a tenant's login.
pub fn login_of(slug: &str) -> String {
    format!("analyst_{}", slug.replace('-', "_"))
}

/// Makes the login `analyst_<slug>`, or gives it a new password and a new last day, and returns its connection string. Views that
/// came with an upgrade are open to all logins from then on.
///
/// # Errors
/// The administrator may not create roles, migrations are missing, or the server is away.
pub async fn grant(
    admin_url: &str,
    tenant: TenantId,
    slug: &str,
    days: u16,
) -> Result<String, MigrateError> {
    let options = PgConnectOptions::from_str(admin_url)?;
    let mut connection = options.connect().await?;
    let login = login_of(slug);
    let expires_at = Utc::now() + TimeDelta::days(i64::from(days.clamp(1, MAX_DAYS)));
    let mut password = [0_u8; 20];
    rand::rng().fill_bytes(&mut password);
    let password = hex::encode(password);

    // One transaction: a half-made login would open the wall's check.
    let mut tx = connection.begin().await?;
    sqlx::raw_sql(OPEN_VIEWS).execute(&mut *tx).await?;
    let statements: Vec<String> = sqlx::query_scalar(
        "select format(statement, $1, $2)
        from (
            values
                (1, case when exists (select from pg_roles where rolname = $1)
                    then 'alter role %1$I password %2$L'
                    else 'create role %1$I login noinherit nosuperuser nocreaterole nocreatedb nobypassrls password %2$L'
                end),
                (2, 'grant pidima_analyst to %1$I with inherit true'),
                (3, format('alter role %%1$I connection limit %s', $3)),
                (4, 'alter role %1$I set default_transaction_read_only = on'),
                (5, format('alter role %%1$I set statement_timeout = %L', $4)),
                (6, 'alter role %1$I set search_path = analytics'),
                (7, format('alter role %%1$I valid until %L', $5::timestamptz))
        ) as s (place, statement)
        order by place",
    )
    .bind(&login)
    .bind(&password)
    .bind(CONNECTION_LIMIT.to_string())
    .bind(STATEMENT_TIMEOUT)
    .bind(expires_at)
    .fetch_all(&mut *tx)
    .await?;
    for statement in statements {
        // Names and password were quoted by the server: a role statement takes no bound parameter.
        tx.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    sqlx::query(
        "insert into app.analyst_logins (login, reads_tenant, expires_at)
        values ($1, $2, $3)
        on conflict on constraint analyst_logins_pkey do update
        set
            reads_tenant = excluded.reads_tenant,
            expires_at = excluded.expires_at",
    )
    .bind(&login)
    .bind(tenant.uuid())
    .bind(expires_at)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    connection.close().await?;
    let database = options.get_database().unwrap_or("postgres");
    Ok(format!(
        "postgres://{login}:{password}@{}:{}/{database}",
        options.get_host(),
        options.get_port()
    ))
}

/// Takes the login of a tenant away, and ends its connections; false when there is none.
///
/// # Errors
/// The administrator may not drop roles, or the server is away.
pub async fn revoke(admin_url: &str, slug: &str) -> Result<bool, MigrateError> {
    let mut connection = PgConnectOptions::from_str(admin_url)?.connect().await?;
    let login = login_of(slug);
    let mut tx = connection.begin().await?;
    sqlx::query("delete from app.analyst_logins where login = $1")
        .bind(&login)
        .execute(&mut *tx)
        .await?;
    let found: Option<(i64, String)> = sqlx::query_as(
        "select oid::bigint, format('drop role %I', rolname) from pg_roles where rolname = $1",
    )
    .bind(&login)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((role, statement)) = found else {
        tx.commit().await?;
        return Ok(false);
    };
    // The server quoted the name: a role statement takes no bound parameter.
    tx.execute(sqlx::AssertSqlSafe(statement)).await?;
    tx.commit().await?;
    // Last, so that nobody connects in between; a role that is gone is known by its number only.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where usesysid = $1::oid")
        .bind(role)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(true)
}

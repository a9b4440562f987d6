//! SQL logins of analysts: a role that sees one tenant's rows in the views of schema `analytics`.
//!
//! Which tenant is decided by the session's login, in a table that only the owner writes: a setting that the analyst can
//! change does not matter. The isolation check holds every such role against what stands here.

use std::str::FromStr;

use rand::RngCore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use super::migrate::MigrateError;
use crate::kernel::ids::TenantId;

/// Connections of one login at once.
const CONNECTION_LIMIT: u32 = 10;
/// Time of one statement.
const STATEMENT_TIMEOUT: &str = "60s";

/// Makes the login `analyst_<slug>`, or gives it a new password, and returns its connection string.
///
/// # Errors
/// The administrator may not create roles, or the server is away.
pub async fn grant(admin_url: &str, tenant: TenantId, slug: &str) -> Result<String, MigrateError> {
    let options = PgConnectOptions::from_str(admin_url)?;
    let mut connection = options.connect().await?;
    let login = format!("analyst_{}", slug.replace('-', "_"));
    let mut password = [0_u8; 20];
    rand::rng().fill_bytes(&mut password);
    let password = hex::encode(password);

    // One transaction: a half-made login would open the wall's check.
    let mut tx = connection.begin().await?;
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
                (6, 'alter role %1$I set search_path = analytics')
        ) as s (place, statement)
        order by place",
    )
    .bind(&login)
    .bind(&password)
    .bind(CONNECTION_LIMIT.to_string())
    .bind(STATEMENT_TIMEOUT)
    .fetch_all(&mut *tx)
    .await?;
    for statement in statements {
        // Names and password were quoted by the server: a role statement takes no bound parameter.
        tx.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    sqlx::query(
        "insert into app.analyst_logins (login, reads_tenant)
        values ($1, $2)
        on conflict on constraint analyst_logins_pkey do update
        set reads_tenant = excluded.reads_tenant",
    )
    .bind(&login)
    .bind(tenant.uuid())
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

//! Asks the catalogues of PostgreSQL whether the wall between tenants is whole.
//!
//! Called at start-up and by readiness, which refuse to serve while there is a violation, by the command of the operator
//! that inspects an installation, and by tests. It must not change anything, and it must not be asked less: what counts
//! as an exception stands as data at the top of `isolation.sql`.

use sqlx::{Connection, PgConnection};

/// The rules; one row for each breach.
const CHECK: &str = include_str!("isolation.sql");

/// Policies are compared as PostgreSQL prints them, and it leaves out schemas that the search path finds. Just-in-time
/// compilation would take longer than the query.
const SETTINGS: &str = "select set_config('search_path', 'pg_catalog, pg_temp', true), \
     set_config('jit', 'off', true)";

/// A breach of the wall between tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Code and sentence of the rule, such as `R01 row security is off`.
    pub rule: String,
    /// What breaks it, such as `app.documents` or `app.documents: tenant`.
    pub object: String,
    /// What to do about it.
    pub remedy: String,
}

/// All breaches, ordered by rule; empty when tenants are isolated. Works for the role of the service as for a superuser,
/// inside a transaction that sqlx began as outside one, and leaves the connection as it was.
///
/// # Errors
/// When the catalogues cannot be read, for example because the transaction has already failed.
pub async fn violations(connection: &mut PgConnection) -> Result<Vec<Violation>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query(SETTINGS).execute(&mut *transaction).await?;
    let rows: Vec<(String, String, String)> =
        sqlx::query_as(CHECK).persistent(false).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(rows.into_iter().map(|(rule, object, remedy)| Violation { rule, object, remedy }).collect())
}

/// Whether the role of this connection passes every policy unseen: a superuser, or one with `bypassrls`. The service
/// must refuse to work as such a role, whatever the catalogue says.
///
/// # Errors
/// When the role cannot be read.
pub async fn can_bypass(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user",
    )
    .fetch_one(connection)
    .await
}

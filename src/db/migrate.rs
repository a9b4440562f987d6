//! Brings a database to the schema of this build: roles and extension as administrator, then the migrations as owner.
//!
//! Called by `pidima migrate`, by the demo and by the tests; the service itself only checks with [`pending`].

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Utc};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::{Db, Result};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Tables whose rows are partitioned by month.
pub const MONTHLY_TABLES: [&str; 8] = [
    "app.messages",
    "app.runs",
    "app.run_events",
    "app.retrievals",
    "app.citations",
    "app.feedback",
    "app.quota_reservations",
    "app.run_traces",
];

/// Months of partitions that are kept ready, counted from the current one.
const MONTHS_AHEAD: i32 = 13;

/// A migration that did not go through.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Roles or the extension could not be made.
    #[error(
        "preparing roles and the vector extension: connect as an administrator and have pgvector 0.8.4 or newer installed"
    )]
    Bootstrap(#[source] sqlx::Error),
    /// A migration failed.
    #[error("applying the migrations")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else.
    #[error("a statement failed")]
    Statement(#[from] sqlx::Error),
}

/// Prepares the database behind `admin_url` and sets the passwords of the login roles when given.
///
/// # Errors
/// The administrator lacks rights, pgvector is missing, or a migration fails (each runs in a transaction of its own).
pub async fn migrate(
    admin_url: &str,
    app_password: Option<&str>,
) -> std::result::Result<(), MigrateError> {
    let mut connection = PgConnectOptions::from_str(admin_url)?.connect().await?;
    sqlx::raw_sql(include_str!("bootstrap.sql"))
        .execute(&mut connection)
        .await
        .map_err(MigrateError::Bootstrap)?;
    if let Some(password) = app_password {
        set_app_password(&mut connection, password).await?;
    }
    sqlx::raw_sql("set role pidima_owner; set search_path = app, public")
        .execute(&mut connection)
        .await?;
    MIGRATOR.run_direct(None, &mut connection, false).await?;
    sqlx::raw_sql("grant select on app._sqlx_migrations to pidima_app")
        .execute(&mut connection)
        .await?;
    create_month_partitions(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Versions of migrations that this build has and the database lacks.
///
/// # Errors
/// The database cannot be read.
pub async fn pending(db: &Db) -> Result<Vec<i64>> {
    let applied = db.applied_migrations().await?;
    Ok(MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .filter(|version| !applied.contains(version))
        .collect())
}

async fn set_app_password(
    connection: &mut PgConnection,
    password: &str,
) -> std::result::Result<(), sqlx::Error> {
    // `alter role` takes no bound parameter: the server quotes the password.
    let statement: String =
        sqlx::query_scalar("select format('alter role pidima_app password %L', $1)")
            .bind(password)
            .fetch_one(&mut *connection)
            .await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

async fn create_month_partitions(
    connection: &mut PgConnection,
) -> std::result::Result<(), sqlx::Error> {
    let today = Utc::now().date_naive();
    let first = NaiveDate::from_ymd_opt(today.year(), today.month(), 1).unwrap_or(today);
    for table in MONTHLY_TABLES {
        sqlx::query("call app.create_month_partitions($1::regclass, $2, $3)")
            .bind(table)
            .bind(first)
            .bind(MONTHS_AHEAD)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

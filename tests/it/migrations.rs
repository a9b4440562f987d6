//! The schema is what the migrations make of an empty database, and nothing else; it is documented and named by one scheme.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use pidima::db::{analysts, migrate};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::support::{TestDatabase, services};

/// Left out of the snapshot: partitions beside the first one of a kind, whose number depends on the calendar, and the
/// migrator's own table.
const LEFT_OUT: [&str; 4] =
    ["app.*_20[0-9][0-9]_[0-9][0-9]", "app.*_p0[1-9]", "app.*_p1[0-9]", "app._sqlx_migrations"];
/// Months beginning with this one that must have a partition after `pidima migrate`.
const MONTHS_AHEAD: i64 = 12;
/// An instant of a month that nobody prepared.
const FAR_AWAY: &str = "2099-06-15 12:00:00Z";

#[tokio::test]
async fn an_empty_database_migrated_is_the_committed_schema() {
    let database = TestDatabase::create().await;
    let found = dump(&database);
    let path = snapshot_path();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &found).expect("the snapshot is written");
    }
    let committed = std::fs::read_to_string(&path).expect("the snapshot");
    let differs = found.lines().zip(committed.lines()).position(|(new, old)| new != old);
    if let Some(line) = differs {
        let (new, old) = (found.lines().nth(line), committed.lines().nth(line));
        panic!(
            "line {} of {}: committed {old:?}, migrated {new:?}; UPDATE_SCHEMA=1 rewrites it",
            line + 1,
            path.display()
        );
    }
    assert_eq!(found.lines().count(), committed.lines().count(), "UPDATE_SCHEMA=1 rewrites it");
}

/// Migrations in their order, with their names.
fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let mut migrations: Vec<_> = files.map(read).collect();
    migrations.sort();
    migrations
}

/// Publishers take tables in an order of their own: a migration that holds one and waits for another could wait for ever.
#[test]
fn a_migration_changes_one_table_that_is_in_use_and_waits_for_it_no_longer_than_it_says() {
    let named = |sql: &str, before: &str| -> BTreeSet<String> {
        let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
        let rests = sql.split(before).skip(1);
        rests.map(|rest| rest.split(ends).next().unwrap_or_default().to_owned()).collect()
    };
    for (name, sql) in migrations().into_iter().filter(|(name, _)| name.as_str() >= "0058") {
        let (altered, made) = (named(&sql, "alter table app."), named(&sql, "create table app."));
        let in_use: Vec<_> = altered.difference(&made).collect();
        assert!(in_use.len() <= 1, "{name}: {in_use:?}");
        let waits = !in_use.is_empty() || sql.contains("references app.");
        assert!(!waits || sql.contains("set local lock_timeout = '"), "{name}");
    }
}

#[tokio::test]
async fn each_migration_takes_a_database_in_which_tenants_are() {
    let database = TestDatabase::create_empty().await;
    let mut connection = PgConnection::connect(&database.admin_url()).await.unwrap();
    sqlx::raw_sql(include_str!("../../src/db/bootstrap.sql"))
        .execute(&mut connection)
        .await
        .unwrap();
    let mut tenants = Vec::new();
    for (name, text) in migrations() {
        // As `pidima migrate` does it: the owner is bound by the wall, the administrator is not.
        sqlx::raw_sql("set role pidima_owner; set search_path = app, public")
            .execute(&mut connection)
            .await
            .unwrap();
        let applied = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("begin; {text}; commit")))
            .execute(&mut connection)
            .await;
        assert!(applied.is_ok(), "{name}: {applied:?}");
        // One more tenant that each later migration finds.
        sqlx::raw_sql("reset role").execute(&mut connection).await.unwrap();
        let tenant = Uuid::now_v7();
        sqlx::query(
            "with made as (insert into app.tenants (tenant_id, name) values ($1, $2))
            insert into app.tenant_directory (id, slug) values ($1, split_part($2, '_', 1))",
        )
        .bind(tenant)
        .bind(&name)
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("after {name}: {error}"));
        tenants.push((name, tenant));
    }
    // Whoever was there before attachments came waits for the operator; whoever came later has none of their own.
    let off: Vec<Uuid> = sqlx::query_scalar(
        "select tenant_id from app.tenant_flags where flag = 'attachments' and not is_on order by tenant_id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let before = tenants.iter().take_while(|(name, _)| name.as_str() < "0054").map(|(_, id)| *id);
    assert_eq!(off, before.collect::<Vec<_>>());
    // A right that processes of the version before do not know would keep them from being ready.
    let may_read =
        "select has_column_privilege('pidima_analyst', 'app.enrichments', 'state', 'select')
        and has_table_privilege('pidima_analyst', 'analytics.enrichments', 'select')";
    let is_open: bool = sqlx::query_scalar(may_read).fetch_one(&mut connection).await.unwrap();
    assert!(!is_open, "analysts wait for the operator");
    let tenant = tenants.last().unwrap().1.into();
    for _ in 0..2 {
        let url = database.admin_url();
        analysts::grant(&url, tenant, "upgraded", analysts::DEFAULT_DAYS).await.unwrap();
    }
    let is_open: bool = sqlx::query_scalar(may_read).fetch_one(&mut connection).await.unwrap();
    assert!(is_open, "who grants a login opens them");
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::create().await;
    let before = (dump(&database), partitions(&database.admin()).await);
    migrate::migrate(&database.admin_url(), None).await.expect("the second time");
    let after = (dump(&database), partitions(&database.admin()).await);
    assert_eq!(before.1, after.1);
    assert_eq!(before.0, after.0);
}

#[tokio::test]
async fn the_password_of_the_administrator_may_stand_beside_the_address() {
    let database = TestDatabase::create().await;
    let password = services().postgres.password.clone();
    let bare = database.admin_url().replacen(&format!(":{password}@"), "@", 1);
    assert!(!bare.contains(&password), "the password is in the address still");
    let migrate = |password: &str| {
        Command::new(env!("CARGO_BIN_EXE_pidima"))
            .arg("migrate")
            .current_dir(std::env::temp_dir())
            .env("PIDIMA_ADMIN_DATABASE_URL", &bare)
            .env("PGPASSWORD", password)
            .output()
            .expect("the command runs")
    };
    let refused = migrate("another");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let done = migrate(&password);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn every_table_column_function_and_view_says_what_it_is() {
    let admin = TestDatabase::create().await.admin();
    let silent = names(
        &admin,
        "with relations as (
            select c.oid, n.nspname || '.' || c.relname as name, n.nspname, c.relkind
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ('app', 'analytics')
                and c.relkind in ('r', 'p', 'v', 'm')
                and not c.relispartition
                and c.relname <> '_sqlx_migrations'
        )
        select r.name from relations r where obj_description(r.oid, 'pg_class') is null
        union all
        select r.name || '.' || a.attname
        from relations r
        join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        where r.nspname = 'app' and col_description(r.oid, a.attnum) is null
        union all
        select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = 'app'::regnamespace and obj_description(p.oid, 'pg_proc') is null
        union all
        select n.nspname from pg_namespace n
        where n.nspname in ('app', 'analytics') and obj_description(n.oid, 'pg_namespace') is null
        order by 1",
    )
    .await;
    assert_eq!(silent, Vec::<String>::new(), "without a comment");
}

/// `<table>_<columns>_{pkey,key,fkey,check,idx}`: handlers tell a violation by its name.
#[tokio::test]
async fn constraints_and_indexes_are_named_by_their_table_columns_and_kind() {
    let admin = TestDatabase::create().await.admin();
    let rows: Vec<(String, String, String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text, k.conname::text,
            case k.contype when 'p' then 'pkey' when 'u' then 'key' when 'f' then 'fkey' else 'check' end,
            case when k.contype = 'c' then '{}' else array(
                select a.attname::text
                from unnest(k.conkey) with ordinality as key(number, place)
                join pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.number
                order by key.place
            ) end
        from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        where c.relnamespace = 'app'::regnamespace and not c.relispartition
            and k.contype in ('p', 'u', 'f', 'c') and c.relname <> '_sqlx_migrations'
            -- A foreign key to a partitioned table has a row for each partition, named by the server.
            and k.conparentid = 0
        union all
        select t.relname::text, c.relname::text, 'idx', array(
            select a.attname::text
            from unnest(i.indkey::int2[]) with ordinality as key(number, place)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.number
            order by key.place
        )
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid
        where t.relnamespace = 'app'::regnamespace and not t.relispartition
            and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))",
    )
    .fetch_all(&admin)
    .await
    .expect("the catalogue");
    assert!(rows.len() > 50, "{} names", rows.len());
    let wrong: Vec<&String> = rows
        .iter()
        .filter(|(table, name, kind, columns)| !is_well_named(table, name, kind, columns))
        .map(|(_, name, ..)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_name_that_does_not_tell_its_columns_or_kind_is_found() {
    let columns = ["tenant_id".to_owned(), "name".to_owned()];
    assert!(is_well_named("documents", "documents_name_key", "key", &columns));
    assert!(is_well_named("documents", "documents_tenant_id_name_key", "key", &columns));
    assert!(is_well_named("documents", "documents_pkey", "pkey", &columns));
    assert!(is_well_named("documents", "documents_size_check", "check", &[]));
    assert!(!is_well_named("documents", "documents_title_key", "key", &columns));
    assert!(!is_well_named("documents", "documents_name_idx", "key", &columns));
    assert!(!is_well_named("documents", "name_key", "key", &columns));
    assert!(!is_well_named("documents", "documents_check", "check", &[]));
    assert!(!is_well_named("documents", "documents_name_pkey", "pkey", &columns));
}

#[tokio::test]
async fn a_year_of_months_and_all_hash_partitions_are_prepared() {
    let admin = TestDatabase::create().await.admin();
    for table in migrate::MONTHLY_TABLES {
        let missing = sqlx::query_scalar::<_, String>(
            "select to_char(month, 'YYYY_MM')
            from generate_series(
                date_trunc('month', now() at time zone 'UTC'),
                date_trunc('month', now() at time zone 'UTC') + make_interval(months => $2::int - 1),
                '1 month'
            ) month
            where to_regclass($1 || '_' || to_char(month, 'YYYY_MM')) is null",
        )
        .bind(table)
        .bind(MONTHS_AHEAD)
        .fetch_all(&admin)
        .await
        .expect("the months");
        assert_eq!(missing, Vec::<String>::new(), "{table}");
    }
    let all = partitions(&admin).await;
    for table in ["chunks", "chunk_windows", "chunk_terms", "reembedded_windows"] {
        let prefix = format!("app.{table}_p");
        assert_eq!(all.iter().filter(|name| name.starts_with(&prefix)).count(), 16, "{table}");
    }
}

#[tokio::test]
async fn an_id_of_a_month_that_nobody_prepared_is_stored_and_found() {
    let database = TestDatabase::create().await;
    let admin = database.admin();
    let far: Uuid = sqlx::query_scalar("select app.first_uuid_at($1::timestamptz)")
        .bind(FAR_AWAY)
        .fetch_one(&admin)
        .await
        .expect("an id");
    let tenant = Uuid::from_u128(1);
    let mut service = database.app().begin().await.expect("a transaction");
    sqlx::query("select set_config('app.tenant_id', $1, true)")
        .bind(tenant.to_string())
        .execute(&mut *service)
        .await
        .expect("the tenant");
    for (table, sql) in [
        ("tenants", "insert into app.tenants (tenant_id, name) values ($1, $2::text)"),
        (
            "messages",
            "insert into app.messages (tenant_id, message_id, run_id, role, content)
            values ($1, $2, $2, 'user', 'When?')",
        ),
        (
            "runs",
            "insert into app.runs (tenant_id, run_id, question_id, asked_by) values ($1, $2, $2, $2)",
        ),
        (
            "run_events",
            "insert into app.run_events (tenant_id, run_id, first_number, last_number, events)
            values ($1, $2, 2, 2, '[]')",
        ),
        (
            "retrievals",
            "insert into app.retrievals
                (tenant_id, run_id, rank, chunk_id, document_id, version_id, fused_score, used)
            values ($1, $2, 1, $2, $2, $2, 0.5, true)",
        ),
        (
            "citations",
            "insert into app.citations
                (tenant_id, message_id, number, citation_id, chunk_id, document_id, version_id, version_number,
                document_title, heading_path, char_start, char_end, quote, verified)
            values ($1, $2, 1, $2, $2, $2, $2, 1, 'Title', '{}', 0, 1, 'q', true)",
        ),
    ] {
        sqlx::query(sql)
            .bind(tenant)
            .bind(far)
            .execute(&mut *service)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
    }
    for (table, id) in [
        ("messages", "message_id"),
        ("runs", "run_id"),
        ("run_events", "run_id"),
        ("retrievals", "run_id"),
        ("citations", "message_id"),
    ] {
        let partition = partition_of(&mut service, table, id, far).await;
        assert_eq!(partition, format!("app.{table}_default"));
    }
    service.commit().await.expect("stored");
    a_month_whose_rows_lie_in_the_default_partition_holds_up_no_other(&database).await;
}

/// Called with a database that has such rows, in June 2099.
async fn a_month_whose_rows_lie_in_the_default_partition_holds_up_no_other(
    database: &TestDatabase,
) {
    let mut owner = database.admin().acquire().await.expect("a connection");
    sqlx::raw_sql(
        "set role pidima_owner;
        set search_path = app, public;
        call app.create_month_partitions('app.messages', date '2099-05-01', 3)",
    )
    .execute(&mut *owner)
    .await
    .expect("no failure");
    let made: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
        where relkind = 'r' and relname like 'messages_2099%' order by 1",
    )
    .fetch_all(&mut *owner)
    .await
    .expect("names");
    assert_eq!(made, ["messages_2099_05", "messages_2099_07"]);
}

async fn partition_of(
    connection: &mut PgConnection,
    table: &str,
    column: &str,
    id: Uuid,
) -> String {
    let sql = format!("select tableoid::regclass::text from app.{table} where {column} = $1");
    let name: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_one(connection)
        .await
        .expect("the row");
    if name.starts_with("app.") { name } else { format!("app.{name}") }
}

fn is_well_named(table: &str, name: &str, kind: &str, columns: &[String]) -> bool {
    let Some(rest) = name.strip_prefix(table).and_then(|rest| rest.strip_suffix(kind)) else {
        return false;
    };
    let Some(middle) = rest.strip_prefix('_') else { return false };
    match (kind, middle.strip_suffix('_')) {
        ("pkey", _) => middle.is_empty(),
        ("check", Some(about)) => !about.is_empty(),
        // The leading columns, such as the tenant's, may stay unsaid.
        (_, Some(said)) => {
            (0..columns.len()).any(|from| columns[from..].join("_").starts_with(said))
        }
        (_, None) => false,
    }
}

async fn names(pool: &PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("the catalogue")
}

async fn partitions(pool: &PgPool) -> Vec<String> {
    let sql = "select n.nspname || '.' || c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relispartition and c.relkind in ('r', 'p') order by 1";
    names(pool, sql).await
}

fn snapshot_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schema.sql")
}

/// `pg_dump` of both schemas without what changes from run to run.
fn dump(database: &TestDatabase) -> String {
    let mut command = Command::new(services().postgres.bin_dir.join("pg_dump"));
    command.args(["--schema-only", "--no-owner", "--schema=app", "--schema=analytics"]);
    command.args(LEFT_OUT.map(|pattern| format!("--exclude-table={pattern}")));
    let output = command.arg(database.admin_url()).output().expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut schema = String::from(
        "-- What the migrations make of an empty database, by pg_dump; tests/it/migrations.rs compares and rewrites it.\n",
    );
    let mut blank = true;
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let noise = ["--", "SET ", "\\restrict", "\\unrestrict", "SELECT pg_catalog.set_config"];
        if noise.iter().any(|start| line.starts_with(start)) || (line.is_empty() && blank) {
            continue;
        }
        blank = line.is_empty();
        writeln!(schema, "{line}").expect("memory");
    }
    schema
}

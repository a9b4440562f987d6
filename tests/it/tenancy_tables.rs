//! Every table of tenants against every operation: tenant A must neither see, nor change, nor guess the row of tenant B.
//!
//! Tables come from the catalogue, rows from the types of their columns, so that a table added later is tested without
//! anybody thinking of it; one whose row cannot be made fails the test until `catalogue::FIXTURES` says how.

mod catalogue;

use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool};
use uuid::Uuid;

use self::catalogue::{Link, Side, Table, insert, tables};
use crate::support::TestDatabase;

const RIGHT_MISSING: &str = "42501";
const LINK_MISSING: &str = "23503";
const UNIQUE: &str = "23505";

/// What became of a statement.
#[derive(Debug, PartialEq)]
enum Outcome {
    Rows(u64),
    Refused { code: String, message: String, constraint: Option<String> },
}

/// Two tenants with a row in each table, and the count of what was tried.
struct Trial {
    admin: PgPool,
    app: PgPool,
    tenants: (Uuid, Uuid),
    a: Side,
    b: Side,
    fresh: Side,
    operations: usize,
    failures: Vec<String>,
}

#[tokio::test]
async fn no_operation_on_any_table_reaches_the_row_of_another_tenant() {
    let db = TestDatabase::create().await;
    let mut admin = db.admin().acquire().await.expect("an administrator's connection");
    let tables = tables(&mut admin).await;
    assert!(tables.len() >= 15, "only {} tables of tenants were found", tables.len());
    let side = |word, number| Side { id: Uuid::now_v7(), word, number };
    let mut trial = Trial {
        admin: db.admin(),
        app: db.app(),
        tenants: (Uuid::now_v7(), Uuid::now_v7()),
        a: side("of A", 1),
        b: side("of B", 2),
        fresh: side("fresh", 3),
        operations: 0,
        failures: Vec::new(),
    };
    trial.fill(&tables).await;
    let before = fingerprints(&mut admin, &tables).await;

    for table in &tables {
        trial.reads_and_writes(table).await;
        trial.inserts(table).await;
        trial.links(table).await;
        trial.without_a_tenant(table).await;
        trial.ways_around(table).await;
    }

    assert_eq!(before, fingerprints(&mut admin, &tables).await, "a row changed");
    let partitions: usize = tables.iter().map(|table| table.partitions.len()).sum();
    println!(
        "{} tables and {partitions} partitions, {} operations, {} failures",
        tables.len(),
        trial.operations,
        trial.failures.len()
    );
    assert!(trial.failures.is_empty(), "{}", trial.failures.join("\n"));
}

impl Trial {
    /// One row per tenant and table; foreign keys are not asked, since tables come in any order.
    async fn fill(&self, tables: &[Table]) {
        let mut transaction = self.admin.begin().await.expect("a transaction");
        let replica = "set local session_replication_role = replica";
        sqlx::query(replica).execute(&mut *transaction).await.expect("the setting");
        for table in tables {
            for (tenant, side) in [(self.tenants.0, self.a), (self.tenants.1, self.b)] {
                let sql = insert(table, tenant, &|_| side);
                if let Err(error) = sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await
                {
                    panic!("no row of {} could be made; add to FIXTURES: {error}", table.name);
                }
            }
        }
        transaction.commit().await.expect("the rows are stored");
    }

    async fn reads_and_writes(&mut self, table: &Table) {
        let Table { name, can_select, can_update, can_delete, .. } = table;
        let (own, other) = self.tenants;
        let column = &table.columns.last().expect("a column").name;
        let (touch, of_b) =
            (format!("set {column} = {column}"), format!("where tenant_id = '{other}'"));
        for (sql, allowed, rows) in [
            // The first shows that the row of A is there, so that the zeros below mean something.
            (format!("select * from {name} where tenant_id = '{own}'"), *can_select, 1),
            (format!("select * from {name}"), *can_select, 1),
            (format!("select * from {name} {of_b}"), *can_select, 0),
            (format!("select * from {name} {of_b} for update"), *can_select && *can_update, 0),
            (format!("update {name} {touch} {of_b}"), *can_update, 0),
            (format!("update {name} {touch}"), *can_update, 1),
            (format!("delete from {name} {of_b}"), *can_delete, 0),
        ] {
            let outcome = self.attempt(&own.to_string(), &sql).await;
            let right =
                if allowed { outcome == Outcome::Rows(rows) } else { is(&outcome, RIGHT_MISSING) };
            self.judge(name, &sql, right, &outcome);
        }
        if *can_delete {
            // Alone: what refers to the row, and may not be deleted, is no matter here.
            let outcome = self.without_links(own, &format!("delete from {name}")).await;
            self.judge(name, "delete everything", outcome == Outcome::Rows(1), &outcome);
        }
        let moved = format!("update {name} set tenant_id = '{other}'");
        self.expect_refusal(name, &moved, *can_update).await;
    }

    async fn inserts(&mut self, table: &Table) {
        let (own, other) = self.tenants;
        let (a, b, fresh) = (self.a, self.b, self.fresh);
        for sql in [
            insert(table, other, &|_| fresh),
            insert(table, other, &|_| b),
            insert(table, other, &|_| b) + " on conflict do nothing",
            insert(table, other, &|_| a) + " on conflict do nothing",
        ] {
            self.expect_refusal(&table.name, &sql, table.can_insert).await;
        }
        // The ids and names that B uses are free for A: nothing tells that B has them.
        let sql = insert(table, own, &|_| b) + " on conflict do nothing";
        let outcome = self.without_links(own, &sql).await;
        let wanted = Outcome::Rows(u64::from(!table.one_row_each));
        let right = if table.can_insert { outcome == wanted } else { is(&outcome, RIGHT_MISSING) };
        self.judge(&table.name, &sql, right, &outcome);
    }

    /// A row of A that refers to B's row is refused as if B's row did not exist.
    async fn links(&mut self, table: &Table) {
        let (own, _) = self.tenants;
        let (a, b, fresh) = (self.a, self.b, self.fresh);
        let linked =
            |column: &str| table.links.iter().any(|link| link.columns.iter().any(|c| c == column));
        for link in &table.links {
            let sql = insert(table, own, &|column| {
                let crosses = link.columns.iter().any(|c| c == column);
                if crosses {
                    b
                } else if linked(column) {
                    a
                } else {
                    fresh
                }
            });
            let outcome = self.attempt(&own.to_string(), &sql).await;
            let right = match &outcome {
                // Where links share a column it is chance which of them is asked first.
                Outcome::Refused { code, constraint, .. } if table.can_insert => {
                    let crossed = |other: &&Link| {
                        other.columns.iter().any(|column| link.columns.contains(column))
                    };
                    let mut refusing = table.links.iter().filter(crossed);
                    code == LINK_MISSING
                        && refusing.any(|other| constraint.as_deref() == Some(&other.name))
                }
                _ => !table.can_insert && is(&outcome, RIGHT_MISSING),
            };
            self.judge(&table.name, &sql, right, &outcome);
        }
        if !table.links.is_empty() && table.can_insert {
            // The same row with A's own links is taken, unless it is the one row that the key allows.
            let sql = insert(table, own, &|column| if linked(column) { a } else { fresh });
            let outcome = self.attempt(&own.to_string(), &sql).await;
            let right = outcome == Outcome::Rows(1) || is(&outcome, UNIQUE);
            self.judge(&table.name, &sql, right, &outcome);
        }
    }

    async fn without_a_tenant(&mut self, table: &Table) {
        let name = &table.name;
        let column = &table.columns.last().expect("a column").name;
        let added = insert(table, self.tenants.0, &|_| self.fresh);
        // `unset` stands for a connection that never heard of a tenant.
        for setting in ["unset", "", "not-a-uuid", " ", "%", "00000000-0000-0000-0000-000000000000"]
        {
            for (sql, allowed) in [
                (format!("select * from {name}"), table.can_select),
                (format!("update {name} set {column} = {column}"), table.can_update),
                (format!("delete from {name}"), table.can_delete),
            ] {
                let outcome = self.attempt(setting, &sql).await;
                let malformed = is(&outcome, "22P02") && !["unset", ""].contains(&setting);
                let right = if allowed {
                    outcome == Outcome::Rows(0) || malformed
                } else {
                    is(&outcome, RIGHT_MISSING)
                };
                self.judge(name, &format!("[{setting}] {sql}"), right, &outcome);
            }
            let outcome = self.attempt(setting, &added).await;
            let right = is(&outcome, RIGHT_MISSING) || is(&outcome, "22P02");
            self.judge(name, &format!("[{setting}] {added}"), right, &outcome);
        }
    }

    async fn ways_around(&mut self, table: &Table) {
        let name = &table.name;
        for sql in [
            format!("truncate {name}"),
            format!("copy {name} to '/tmp/rows'"),
            format!("copy {name} from '/tmp/rows'"),
            format!("alter table {name} disable row level security"),
            format!("alter table {name} disable trigger all"),
            format!("alter policy tenant on {name} using (true)"),
            format!("create policy more on {name} using (true)"),
            format!("create rule more as on delete to {name} do instead nothing"),
            format!("drop table {name}"),
            format!("set local row_security = off; select * from {name}"),
            format!("set local session_replication_role = replica; select * from {name}"),
            format!("set local role pidima_owner; select * from {name}"),
        ] {
            self.expect_refusal(name, &sql, false).await;
        }
        let outcome = self.copy_in(name).await;
        let right = is(&outcome, "0A000") || is(&outcome, RIGHT_MISSING);
        self.judge(name, "copy from stdin", right, &outcome);
        // Who may update or delete may lock; the others must not be able to stop everybody.
        let lock = format!("lock table only {name} in access exclusive mode");
        if !table.can_update && !table.can_delete {
            self.expect_refusal(name, &lock, false).await;
        }
        for partition in &table.partitions {
            for sql in [
                format!("select * from {partition}"),
                insert(table, self.tenants.0, &|_| self.fresh).replacen(name, partition, 1),
                format!("update {partition} set tenant_id = tenant_id"),
                format!("delete from {partition}"),
                format!("truncate {partition}"),
                format!("lock table {partition}"),
            ] {
                self.expect_refusal(partition, &sql, false).await;
            }
        }
    }

    /// Refused for want of a right; `by_policy` when the table right is there and the policy must be what refuses.
    async fn expect_refusal(&mut self, name: &str, sql: &str, by_policy: bool) {
        let outcome = self.attempt(&self.tenants.0.to_string(), sql).await;
        let right = match &outcome {
            Outcome::Refused { message, .. } if by_policy => {
                is(&outcome, RIGHT_MISSING) && message.contains("row-level security")
            }
            _ => is(&outcome, RIGHT_MISSING),
        };
        self.judge(name, sql, right, &outcome);
    }

    /// Runs SQL as the service with the tenant set to `setting`, and undoes it. `unset` takes a connection on which no
    /// tenant was ever set: after a transaction the setting is empty, which is not the same.
    async fn attempt(&mut self, setting: &str, sql: &str) -> Outcome {
        if setting == "unset" {
            let mut connection = self.app.connect_options().connect().await.expect("a connection");
            return run(&mut connection, None, sql).await;
        }
        let mut connection = self.app.acquire().await.expect("a connection");
        run(&mut connection, Some(setting), sql).await
    }

    /// As [`Self::attempt`], but foreign keys are not asked: only an administrator can have it so.
    async fn without_links(&mut self, tenant: Uuid, sql: &str) -> Outcome {
        let mut connection = self.admin.acquire().await.expect("a connection");
        let as_service =
            "set local session_replication_role = replica; set local role pidima_app; ";
        run(&mut connection, Some(&tenant.to_string()), &format!("{as_service}{sql}")).await
    }

    /// Asks to send rows. Where that is granted the server waits for them, so that it is to be told of the end.
    async fn copy_in(&mut self, name: &str) -> Outcome {
        let mut connection = self.app.connect_options().connect().await.expect("a connection");
        match connection.copy_in_raw(&format!("copy {name} from stdin")).await {
            Ok(copy) => {
                copy.abort("nothing is sent").await.expect("the copy ends");
                Outcome::Rows(0)
            }
            Err(error) => refused(&error),
        }
    }

    fn judge(&mut self, name: &str, sql: &str, right: bool, outcome: &Outcome) {
        self.operations += 1;
        if !right {
            self.failures.push(format!("{name}: {sql}: {outcome:?}"));
        }
    }
}

async fn run(connection: &mut PgConnection, setting: Option<&str>, sql: &str) -> Outcome {
    sqlx::raw_sql("begin").execute(&mut *connection).await.expect("a transaction");
    if let Some(setting) = setting {
        let set = sqlx::query("select set_config('app.tenant_id', $1, true)").bind(setting);
        set.execute(&mut *connection).await.expect("the setting");
    }
    let result = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *connection).await;
    sqlx::raw_sql("rollback").execute(&mut *connection).await.expect("the statement is undone");
    match result {
        Ok(done) => Outcome::Rows(done.rows_affected()),
        Err(error) => refused(&error),
    }
}

fn refused(error: &sqlx::Error) -> Outcome {
    let database = error.as_database_error().expect("an answer of the database");
    Outcome::Refused {
        code: database.code().unwrap_or_default().into_owned(),
        message: database.message().to_owned(),
        constraint: database.constraint().map(str::to_owned),
    }
}

fn is(outcome: &Outcome, wanted: &str) -> bool {
    matches!(outcome, Outcome::Refused { code, .. } if code == wanted)
}

/// Contents of each table, by all tenants.
async fn fingerprints(admin: &mut PgConnection, tables: &[Table]) -> Vec<(String, i64, String)> {
    let mut all = Vec::new();
    for table in tables {
        let sql = format!(
            "select '{0}', count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {0} t",
            table.name
        );
        let row: (String, i64, String) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *admin).await.expect("the rows");
        assert_eq!(row.1, 2, "{} must hold one row per tenant", table.name);
        all.push(row);
    }
    all
}

//! A SQL login against the wall: everything that somebody with `psql` might try to see or change what is not theirs.

mod life;
mod tricks;

use std::path::PathBuf;
use std::process::Stdio;

use pidima::db::analysts;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use self::tricks::{Outcome, TRICKS};
use crate::support::{TestApp, TestTenant, services};

const OWN: &str = "zarquonite";
const FOREIGN: &str = "quibblefax";

fn psql() -> PathBuf {
    services().postgres.bin_dir.join("psql")
}

/// What `psql` prints, errors among it, for a script run as a login. Errors are terse: they repeat no line of the script.
pub async fn script(login: &str, sql: &str) -> String {
    let mut child = Command::new(psql())
        .args([login, "-X", "-A", "-t", "-q", "-v", "VERBOSITY=terse", "-f", "-"])
        .env("PGCONNECT_TIMEOUT", "10")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A connection that was refused reads nothing.
    child.stdin.take().unwrap().write_all(sql.as_bytes()).await.ok();
    let output = child.wait_with_output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A tenant with a row in every view; all its texts hold a word of its own.
async fn converse(app: &TestApp, slug: &str, word: &str) -> TestTenant {
    let tenant = app.tenant(slug).await;
    tenant.learn(&format!("{word}.md"), &format!("# {word}\n\nThe {word} runs at 3 bar.")).await;
    let session = tenant.post("/v1/sessions", &json!({ "title": word })).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let question = format!("At how many bar runs the {word}?");
    tenant.post(&path, &json!({ "content": question })).await.expect(200);
    tenant.ask(&format!("Who was the {word} emperor of Rome?")).await;
    tenant
}

async fn grant(app: &TestApp, tenant: &TestTenant, slug: &str) -> String {
    let url = app.database.admin_url();
    analysts::grant(&url, tenant.id, slug, analysts::DEFAULT_DAYS).await.unwrap()
}

/// Reads everything that a login can read, and counts what it must not see.
fn look(foreign: &TestTenant) -> String {
    let views = [
        "sessions",
        "messages",
        "answers",
        "citations",
        "retrievals",
        "usage_by_day",
        "model_attempts",
        "usage_of_subjects_by_day",
        "traces",
        "unanswered_questions",
        "documents_by_use",
        "source_runs",
        "enrichments",
        "enrichment_by_month",
        "assistants",
        "assistant_versions",
    ];
    let mut sql = String::from("\n");
    for view in views {
        sql += &format!("select v from analytics.{view} v;\n");
    }
    sql += "select tenant_id, content from app.messages;\nselect tenant_id, name from app.documents;\n";
    for table in ["messages", "sessions", "runs", "documents", "collections", "citations"] {
        sql += &format!(
            "select 'foreign=' || count(*) from app.{table} where tenant_id = '{}';\n",
            foreign.id
        );
    }
    sql
}

/// Digest of all that is stored, of all tenants, and of what there is in the database.
async fn stored(app: &TestApp) -> Vec<(String, String)> {
    let admin = app.database.admin();
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and not relispartition
        order by 1",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    let mut all = Vec::new();
    for table in tables {
        let sql = format!(
            "select '{table}', coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from app.{table} t"
        );
        let row = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&admin).await.unwrap();
        all.push(row);
    }
    let objects = "select 'objects', (
            (select count(*) from pg_class) + (select count(*) from pg_proc) + (select count(*) from pg_type)
            + (select count(*) from pg_namespace) + (select count(*) from pg_largeobject_metadata)
            + (select count(*) from pg_foreign_server)
            + (select count(*) from pg_trigger) + (select count(*) from pg_policy)
        )::text || (
            -- Roles belong to the server, which other tests use too.
            select string_agg(to_jsonb(r)::text, '' order by rolname)
            from pg_roles r where rolname ~ '^(analyst_tricks|thief)'
        ) || (
            select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member
            where rolname ~ '^(analyst_tricks|thief)'
        )::text";
    all.push(sqlx::query_as(objects).fetch_one(&admin).await.unwrap());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trick_of_an_analyst_shows_a_row_of_another_tenant_or_writes_one() {
    let app = TestApp::start().await;
    let own = converse(&app, "tricks-own", OWN).await;
    let foreign = converse(&app, "tricks-foreign", FOREIGN).await;
    let login = grant(&app, &own, "tricks-own").await;
    grant(&app, &foreign, "tricks-foreign").await;
    app.app.services.tasks.close();
    app.app.services.tasks.wait().await;
    // Notes of the last use are written behind the replies.
    app.app.services.tasks.reopen();
    let before = stored(&app).await;

    let seen = script(&login, &look(&foreign)).await;
    assert!(seen.contains(OWN) && seen.contains("foreign=0"), "{seen}");
    let (mut failures, mut refused, mut scanned) = (Vec::new(), 0, 0);
    for trick in TRICKS {
        let sql = trick.sql.replace("{foreign}", &foreign.id.to_string());
        let told = script(&login, &(sql + &look(&foreign) + trick.after)).await;
        scanned += told.len();
        let counts: Vec<&str> =
            told.lines().filter_map(|line| line.strip_prefix("foreign=")).collect();
        let is_refused = told.contains("ERROR") || told.contains("FATAL");
        refused += usize::from(is_refused);
        let as_told = match trick.outcome {
            Outcome::Refused => is_refused,
            Outcome::Nothing => counts.len() == 6,
        };
        let leaks =
            told.to_lowercase().contains(FOREIGN) || counts.iter().any(|count| *count != "0");
        if leaks || !as_told {
            failures.push(format!("{}: leaks {leaks}, as told {as_told}\n{told}", trick.name));
        }
    }
    println!(
        "{} tricks, {refused} refused, {scanned} bytes scanned, {} failures",
        TRICKS.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n---\n"));
    assert_eq!(stored(&app).await, before);
    assert!(TRICKS.len() >= 60, "{} tricks", TRICKS.len());
    let broken = app.app.services.db.isolation_violations().await.unwrap();
    assert!(broken.is_empty(), "an analyst can stop the service: {broken:?}");
}

/// The scan would see a leak: with the wall taken away it does.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_look_finds_the_other_tenant_once_the_wall_is_open() {
    let app = TestApp::start().await;
    let own = converse(&app, "open-own", OWN).await;
    let foreign = converse(&app, "open-foreign", FOREIGN).await;
    let login = grant(&app, &own, "open-own").await;
    let admin = app.database.admin();
    sqlx::raw_sql("alter policy analyst on app.messages using (true)")
        .execute(&admin)
        .await
        .unwrap();
    let told = script(&login, &look(&foreign)).await;
    assert!(told.contains(FOREIGN) && told.contains("foreign=4"), "{told}");
}

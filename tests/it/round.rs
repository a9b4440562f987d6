//! The round that the README quotes, run as a newcomer runs it; and what an analyst's login can and can not reach.

use std::path::Path;

use pidima::db::analysts;
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use crate::api::things::read_source;
use crate::support::{TestApp, TestTenant, services};

/// What a command printed, and whether it succeeded.
struct Ran {
    ok: bool,
    out: String,
    err: String,
}

async fn run(command: &mut Command) -> Ran {
    let output = command.output().await.unwrap();
    Ran {
        ok: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn psql() -> std::path::PathBuf {
    services().postgres.bin_dir.join("psql")
}

async fn query(login: &str, sql: &str) -> Ran {
    let arguments = [login, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql];
    run(Command::new(psql()).args(arguments)).await
}

fn round(app: &TestApp, key: &str, login: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/round.sh"))
        .env("PIDIMA_URL", &app.url)
        .env("PIDIMA_API_KEY", key)
        .env("DATABASE_URL_ANALYST", login)
        .env("PSQL", psql());
    command
}

/// The login of a tenant's analyst. Logins belong to the whole server: the slug must be of this test alone.
async fn analyst(app: &TestApp, tenant: &TestTenant, slug: &str) -> String {
    analysts::grant(&app.database.admin_url(), tenant.id, slug, analysts::DEFAULT_DAYS)
        .await
        .unwrap()
}

/// A conversation, a single answer and a question without an answer: each view has a row.
async fn converse(tenant: &TestTenant, word: &str) {
    tenant
        .learn(&format!("{word}.md"), &format!("# {word}\n\nThe {word} pump runs at 3 bar."))
        .await;
    let session = tenant.post("/v1/sessions", &json!({ "title": word })).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let question = format!("At how many bar runs the {word} pump?");
    let answer = tenant.post(&path, &json!({ "content": question })).await.expect(200);
    let path = format!("/v1/messages/{}/feedback", answer["message_id"].as_str().unwrap());
    let rating = tenant.request(Method::PUT, &path).json(&json!({ "rating": "up" }));
    tenant.send(rating).await.expect(200);
    tenant.ask(&format!("Who was the {word} emperor of Rome?")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_round_goes_through_with_curl_and_psql() {
    let app = TestApp::start().await;
    let tenant = app.tenant("round-whole").await;
    let login = analyst(&app, &tenant, "round-whole").await;
    let ran = run(&mut round(&app, &tenant.key, &login)).await;
    assert!(ran.ok, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.ends_with("round: all is well\n"), "{}", ran.out);
    assert!(ran.out.contains("event: delta"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_round_says_what_is_wrong_and_fails() {
    let app = TestApp::start().await;
    let tenant = app.tenant("round-wrong").await;
    let login = analyst(&app, &tenant, "round-wrong").await;
    let ran = run(&mut round(&app, "pdm_nothing", &login)).await;
    assert!(!ran.ok && ran.err.contains("status 401, not 202"), "{}{}", ran.out, ran.err);
    let ran = run(round(&app, &tenant.key, &login).env("PIDIMA_URL", "http://127.0.0.1:9")).await;
    assert!(!ran.ok && ran.err.contains("is the server running?"), "{}{}", ran.out, ran.err);
    let ran = run(round(&app, &tenant.key, &login).env_remove("DATABASE_URL_ANALYST")).await;
    assert!(!ran.ok && ran.err.contains("DATABASE_URL_ANALYST"), "{}{}", ran.out, ran.err);
    // The login of another tenant sees nothing of what this round did.
    let other = app.tenant("round-other").await;
    let login = analyst(&app, &other, "round-other").await;
    let ran = run(&mut round(&app, &tenant.key, &login)).await;
    assert!(!ran.ok && ran.err.contains("SQL gave ''"), "{}{}", ran.out, ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_sees_rows_of_one_tenant_in_every_view() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("views-own").await, app.tenant("views-other").await);
    converse(&own, "zarquonite").await;
    converse(&other, "quibblefax").await;
    for tenant in [&own, &other] {
        let made = tenant.post("/v1/collections", &json!({ "name": "read by itself" })).await;
        read_source(tenant, made.expect(201)["id"].as_str().unwrap()).await;
    }
    // The embedded model is no provider that is tried, and says nothing that must be taken out.
    let tried = r#"[{"provider": "bedrock", "model": "small", "outcome": "answered"}]"#;
    sqlx::query("update app.runs set attempts = $1::jsonb, filtered = $2::jsonb")
        .bind(tried)
        .bind(r#"{"links": 1}"#)
        .execute(&app.database.admin())
        .await
        .unwrap();
    // The embedded model writes about no document.
    for written in [
        "insert into app.enrichments (tenant_id, document_id, version_id, collection_id, marker, summary)
        select tenant_id, document_id, active_version_id, collection_id, 'marker', title
        from app.documents
        where active_version_id is not null",
        "insert into app.enrichment_usage (tenant_id, collection_id, month)
        select tenant_id, collection_id, date_trunc('month', now())::date
        from app.collections",
    ] {
        sqlx::query(written).execute(&app.database.admin()).await.unwrap();
    }
    let login = analyst(&app, &own, "views-own").await;
    let views: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'analytics'::regnamespace and relkind = 'v'",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert!(views.len() >= 8, "{views:?}");
    for view in views {
        let ran = query(&login, &format!("select count(*) from analytics.{view}")).await;
        assert!(ran.ok && ran.out.trim() != "0", "{view}: {}{}", ran.out, ran.err);
        let ran = query(&login, &format!("select to_jsonb(t) from analytics.{view} t")).await;
        assert!(ran.ok && !ran.out.contains("quibblefax"), "{view}: {}{}", ran.out, ran.err);
        // The superuser sees both tenants in the view: the filter is the row security, not the view.
        let both: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from analytics.{view}"
        )))
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
        let own_rows = query(&login, &format!("select count(*) from analytics.{view}")).await;
        let own_rows: i64 = own_rows.out.trim().parse().unwrap();
        // Days of all tenants are the same days.
        assert!(own_rows < both || view.ends_with("_by_day"), "{view}: {own_rows} of {both}");
    }
    let questions = query(&login, "select sum(questions) from analytics.usage_by_day").await;
    assert_eq!(questions.out.trim(), "2", "{}", questions.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_can_not_leave_the_tenant_nor_write() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("walls-own").await, app.tenant("walls-other").await);
    converse(&own, "zarquonite").await;
    converse(&other, "quibblefax").await;
    let login = analyst(&app, &own, "walls-own").await;
    let foreign = other.id.uuid();
    let count = "select count(*) from analytics.messages where content like '%quibblefax%'";
    // Settings may be changed, and change nothing.
    for set in [
        format!("set app.tenant_id = '{foreign}'"),
        format!("select set_config('app.tenant_id', '{foreign}', false)"),
        "set row_security = off".to_owned(),
        "set search_path = app, public".to_owned(),
        "set default_transaction_read_only = off".to_owned(),
        "set session_replication_role = replica".to_owned(),
        "set role pidima_analyst".to_owned(),
    ] {
        let ran = query(&login, &format!("{set}; {count}")).await;
        let seen = ran.out.trim().lines().last().unwrap_or_default();
        assert!(!ran.ok || seen == "0", "{set}: {}{}", ran.out, ran.err);
    }
    let refused = [
        "set role pidima_app".to_owned(),
        "set role pidima_owner".to_owned(),
        "set session authorization postgres".to_owned(),
        "select * from app.sessions".to_owned(),
        "select created_by from app.sessions".to_owned(),
        "select asked_by from app.runs".to_owned(),
        "select * from app.api_keys".to_owned(),
        "select secret_sha256 from app.api_keys".to_owned(),
        "select * from app.chunks".to_owned(),
        "select * from app.tenants".to_owned(),
        "select * from app.tenant_directory".to_owned(),
        "select * from app.analyst_logins".to_owned(),
        "select * from app.jobs".to_owned(),
        "select * from app.outbox".to_owned(),
        "delete from analytics.messages".to_owned(),
        "begin read write; delete from app.messages".to_owned(),
        "begin read write; update app.sessions set title = 'x'".to_owned(),
        "begin read write; insert into app.collections (tenant_id) values (null)".to_owned(),
        format!("begin read write; update app.analyst_logins set reads_tenant = '{foreign}'"),
        "begin read write; create table analytics.mine (x int)".to_owned(),
        "begin read write; create table public.mine (x int)".to_owned(),
        "begin read write; create temp table mine (x int)".to_owned(),
        "copy (select 1) to program 'true'".to_owned(),
        "select pg_read_file('/etc/passwd')".to_owned(),
        "begin read write; alter role current_user superuser".to_owned(),
    ];
    for sql in refused {
        let ran = query(&login, &sql).await;
        assert!(!ran.ok, "{sql}: {}", ran.out);
        let known = ["permission denied", "must be", "cannot set parameter"];
        assert!(known.iter().any(|words| ran.err.contains(words)), "{sql}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_grant_replaces_the_password() {
    let app = TestApp::start().await;
    let tenant = app.tenant("grant-twice").await;
    let first = analyst(&app, &tenant, "grant-twice").await;
    assert!(query(&first, "select 1").await.ok);
    let second = analyst(&app, &tenant, "grant-twice").await;
    assert!(query(&second, "select 1").await.ok);
    let old = query(&first, "select 1").await;
    assert!(!old.ok && old.err.contains("password authentication failed"), "{}", old.err);
}

//! Beginning and end of a SQL login, its limits, and two of them at once.

use std::time::{Duration, Instant};

use pidima::db::analysts;
use sqlx::{Connection, PgConnection};

use super::{FOREIGN, OWN, converse, grant, look, script};
use crate::support::{TestApp, eventually};

async fn messages(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select content from analytics.messages")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_analysts_at_once_see_each_their_own_also_in_prepared_statements() {
    let app = TestApp::start().await;
    let own = converse(&app, "two-own", OWN).await;
    let other = converse(&app, "two-other", FOREIGN).await;
    let (first, second) =
        (grant(&app, &own, "two-own").await, grant(&app, &other, "two-other").await);
    let mut one = PgConnection::connect(&first).await.unwrap();
    let mut two = PgConnection::connect(&second).await.unwrap();
    // A lock that one leaves behind holds up no reader.
    sqlx::raw_sql("select pg_advisory_lock(1); select pg_advisory_lock(2)")
        .execute(&mut one)
        .await
        .unwrap();
    for _ in 0..8 {
        let (seen_by_one, seen_by_two) = tokio::join!(messages(&mut one), messages(&mut two));
        assert!(!seen_by_one.is_empty() && seen_by_one.iter().all(|text| !text.contains(FOREIGN)));
        assert!(!seen_by_two.is_empty() && seen_by_two.iter().all(|text| !text.contains(OWN)));
    }
    let counted: i64 = sqlx::query_scalar("select count(*) from app.messages where tenant_id = $1")
        .bind(other.id.uuid())
        .fetch_one(&mut one)
        .await
        .unwrap();
    assert_eq!(counted, 0);
    own.ask("Is the service alive?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_a_suspended_tenant_or_past_its_last_day_sees_nothing_on_an_open_connection() {
    let app = TestApp::start().await;
    let tenant = converse(&app, "ends", OWN).await;
    let login = grant(&app, &tenant, "ends").await;
    let admin = app.database.admin();
    let mut open = PgConnection::connect(&login).await.unwrap();
    assert!(!messages(&mut open).await.is_empty());
    for (end, again) in [
        ("update app.tenants set state = 'suspended'", "update app.tenants set state = 'active'"),
        (
            "update app.analyst_logins set expires_at = now() where login = 'analyst_ends'",
            "update app.analyst_logins set expires_at = now() + interval '1 day' where login = 'analyst_ends'",
        ),
    ] {
        sqlx::raw_sql(end).execute(&admin).await.unwrap();
        assert_eq!(messages(&mut open).await, Vec::<String>::new(), "{end}");
        sqlx::raw_sql(again).execute(&admin).await.unwrap();
        assert!(!messages(&mut open).await.is_empty(), "{again}");
    }
    sqlx::raw_sql("alter role analyst_ends valid until '2020-01-01'")
        .execute(&admin)
        .await
        .unwrap();
    let told = script(&login, "select 1;").await;
    assert!(told.contains("FATAL") && told.contains("password authentication failed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_day_is_as_asked_and_never_further_than_a_year() {
    let app = TestApp::start().await;
    let tenant = app.tenant("days").await;
    let admin = app.database.admin();
    for (asked, granted) in [(1, 1), (30, 30), (365, 365), (366, 365), (u16::MAX, 365), (0, 1)] {
        analysts::grant(&app.database.admin_url(), tenant.id, "days", asked).await.unwrap();
        let days: i32 = sqlx::query_scalar(
            "select round(extract(epoch from rolvaliduntil - now()) / 86400)::int
            from pg_roles join app.analyst_logins l on l.login = rolname
            where rolname = 'analyst_days' and rolvaliduntil = l.expires_at",
        )
        .fetch_one(&admin)
        .await
        .unwrap();
        assert_eq!(days, granted, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_login_is_cut_off_at_once_and_can_be_granted_anew() {
    let app = TestApp::start().await;
    let tenant = converse(&app, "revoked", OWN).await;
    let login = grant(&app, &tenant, "revoked").await;
    let mut open = PgConnection::connect(&login).await.unwrap();
    assert!(!messages(&mut open).await.is_empty());
    assert!(analysts::revoke(&app.database.admin_url(), "revoked").await.unwrap());
    eventually("the connection is ended", || async {
        let admin = app.database.admin();
        let left: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity a
            where a.datname = current_database() and a.usename is null and a.backend_type = 'client backend'",
        )
        .fetch_one(&admin)
        .await
        .unwrap();
        left == 0
    })
    .await;
    assert!(sqlx::raw_sql("select 1").execute(&mut open).await.is_err());
    assert!(script(&login, "select 1;").await.contains("FATAL"));
    assert!(!analysts::revoke(&app.database.admin_url(), "revoked").await.unwrap());
    let again = grant(&app, &tenant, "revoked").await;
    assert_ne!(again, login);
    assert!(script(&again, "select count(*) from messages;").await.starts_with('4'));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_grant_and_revoke_and_are_noted() {
    let app = TestApp::start().await;
    let tenant = app.tenant("commands").await;
    let command = |words: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pidima"));
        command
            .env("DATABASE_URL", app.database.app_url())
            .env("PIDIMA_ADMIN_DATABASE_URL", app.database.admin_url())
            .arg("tenant")
            .args(words);
        async move { command.output().await.unwrap() }
    };
    let granted = command(&["grant-analyst", "commands", "--days", "7"]).await;
    assert!(granted.status.success(), "{granted:?}");
    let login = String::from_utf8(granted.stdout).unwrap();
    assert_eq!(script(login.trim(), "select count(*) from messages;").await.trim(), "0");
    assert!(command(&["revoke-analyst", "commands"]).await.status.success());
    assert!(!command(&["revoke-analyst", "commands"]).await.status.success());
    for days in ["0", "366", "-1", "x"] {
        let refused = command(&["grant-analyst", "commands", "--days", days]).await;
        assert!(!refused.status.success(), "{days}");
    }
    let list = tenant.get("/v1/audit_events?target_kind=sql_login").await.expect(200);
    let actions: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["analyst.revoked", "analyst.revoked", "analyst.granted"]);
    assert_eq!(list["items"][2]["after"]["days"], 7);
    assert!(command(&["create", "commands-new"]).await.status.success());
    let noted: i64 =
        sqlx::query_scalar("select count(*) from app.audit_events where action = 'tenant.created'")
            .fetch_one(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(noted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_has_ten_connections_and_a_statement_a_minute() {
    let app = TestApp::start().await;
    let tenant = app.tenant("limits").await;
    let login = grant(&app, &tenant, "limits").await;
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(PgConnection::connect(&login).await.unwrap());
    }
    let refused = PgConnection::connect(&login).await.unwrap_err().to_string();
    assert!(refused.contains("too many connections"), "{refused}");
    let limit: String = sqlx::query_scalar("select current_setting('statement_timeout')")
        .fetch_one(&mut open[0])
        .await
        .unwrap();
    assert_eq!(limit, "1min");
    let began = Instant::now();
    let slow = sqlx::raw_sql("set statement_timeout = '50ms'; select pg_sleep(20)")
        .execute(&mut open[0])
        .await
        .unwrap_err();
    assert!(slow.to_string().contains("statement timeout"), "{slow}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Whoever may change their own defaults must not be able to keep the service from starting.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_changes_its_own_defaults_opens_nothing_and_stops_nothing() {
    let app = TestApp::start().await;
    let own = converse(&app, "defaults-own", OWN).await;
    let foreign = converse(&app, "defaults-foreign", FOREIGN).await;
    let login = grant(&app, &own, "defaults-own").await;
    let told = script(
        &login,
        "set default_transaction_read_only = off;
        alter role analyst_defaults_own set default_transaction_read_only = off;
        alter role analyst_defaults_own reset statement_timeout;
        alter role analyst_defaults_own set search_path = public;
        alter role analyst_defaults_own set role = 'pidima_analyst';",
    )
    .await;
    assert_eq!(told, "");
    let told = script(&login, &look(&foreign)).await;
    assert!(told.contains(OWN) && !told.contains(FOREIGN), "{told}");
    assert_eq!(told.matches("foreign=0").count(), 6, "{told}");
    let told =
        script(&login, "delete from app.messages; insert into app.sessions default values;").await;
    assert_eq!(told.matches("permission denied").count(), 2, "{told}");
    let broken = app.app.services.db.isolation_violations().await.unwrap();
    assert!(broken.is_empty(), "{broken:?}");
}

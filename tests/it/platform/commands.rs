//! `pidima operator`: keys made, listed and taken back on the machine.

use std::process::{Command, Output};

use crate::support::TestApp;

fn pidima(app: &TestApp, args: &[&str]) -> Output {
    command(app, "operator", args)
}

fn command(app: &TestApp, noun: &str, args: &[&str]) -> Output {
    let folder = std::env::temp_dir();
    Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg(noun)
        .args(args)
        .env("DATABASE_URL", app.database.app_url())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_by_the_command_works_until_the_command_takes_it_back() {
    let app = TestApp::start().await;
    let key = text(&pidima(&app, &["create-key", "night shift", "--days", "7"]));
    let ask = || async {
        let url = format!("{}/v1/platform/tenants", app.url);
        let reply = reqwest::Client::new().get(url).bearer_auth(&key).send().await.unwrap();
        reply.status().as_u16()
    };
    assert_eq!(ask().await, 200);
    let listed = text(&pidima(&app, &["list-keys"]));
    assert!(listed.contains("night shift") && listed.contains("good"), "{listed}");
    assert!(!listed.contains(key.rsplit('_').next().unwrap()), "{listed}");
    let id = listed.split_whitespace().next().unwrap().to_owned();
    text(&pidima(&app, &["revoke-key", &id]));
    assert_eq!(ask().await, 401);
    assert!(text(&pidima(&app, &["list-keys"])).contains("revoked"));
    let absent = uuid::Uuid::now_v7().to_string();
    assert!(!pidima(&app, &["revoke-key", &absent]).status.success());
    for days in ["0", "366"] {
        assert!(!pidima(&app, &["create-key", "x", "--days", days]).status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_command_makes_stand_in_the_audit_log_of_their_tenant() {
    let app = TestApp::start().await;
    let first = text(&command(&app, "tenant", &["create", "by-command"]));
    let second = text(&command(&app, "tenant", &["create-key", "by-command"]));
    let tenant = pidima::identity::Credential::parse(&first).unwrap().tenant;
    let query = "select actor_kind || ' ' || action || ' ' || coalesce(target_id, '') || ' ' || coalesce(after ->> 'role', '')
        from app.audit_events where tenant_id = $1 order by sequence";
    let log: Vec<String> = sqlx::query_scalar(query)
        .bind(tenant.uuid())
        .fetch_all(&app.database.admin())
        .await
        .unwrap();
    let id = |text: &str| pidima::identity::Credential::parse(text).unwrap().api_key_id;
    assert_eq!(
        log,
        [
            format!("system tenant.created {tenant} "),
            format!("system api_key.created {} owner", id(&first)),
            format!("system api_key.created {} owner", id(&second)),
        ]
    );
}

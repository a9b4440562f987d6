//! The operator's commands: the first person of a tenant, and a way back for who is locked out.

use std::process::Command;

use serde_json::json;

use super::{OTHER_PASSWORD, PASSWORD, cookie_of, credentials, log_in, post_login, start};
use crate::api::problem;
use crate::support::TestApp;

/// Exit code, standard output, standard error of `pidima member …`.
fn member(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("member")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", app.database.app_url())
        .env("PIDIMA_ENV_FILE", "/dev/null")
        .env("PIDIMA_ARGON2_MEMORY_KIB", "64")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_made_and_helped_back_in_by_commands() {
    let app = start(&[]).await;
    let tenant = app.tenant("operated").await;
    let create = ["create", "operated", "--email", "Grace@Example.com", "--role", "admin"];
    let (code, password, told) = member(&app, &create);
    assert_eq!(code, Some(0), "{told}");
    let first = password.trim_end().to_owned();
    assert_eq!((password.lines().count(), first.len()), (1, 35), "{password}");
    let told = log_in(&app, "operated", "grace@example.com", &first).await;
    problem(&told, 403, "password_change_required");
    let mut body = credentials("operated", "grace@example.com", &first);
    body["new_password"] = json!(PASSWORD);
    cookie_of(&post_login(&app, &reqwest::Client::new(), &body).await);

    let (code, password, told) = member(&app, &["reset-password", "operated", "grace@example.com"]);
    assert_eq!(code, Some(0), "{told}");
    assert_ne!(password.trim_end(), first);
    let old = log_in(&app, "operated", "grace@example.com", PASSWORD).await;
    problem(&old, 401, "unauthenticated");
    body["password"] = json!(password.trim_end());
    body["new_password"] = json!(OTHER_PASSWORD);
    cookie_of(&post_login(&app, &reqwest::Client::new(), &body).await);

    assert_eq!(super::audited(&app, &tenant, "member.created").await.len(), 1);
    assert_eq!(super::audited(&app, &tenant, "password.reset").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_can_not_be_done_says_why_and_prints_no_password() {
    let app = start(&[]).await;
    let tenant = app.tenant("refused").await;
    tenant.local_member("ada@example.com", pidima::identity::Role::Member, None).await;
    for (arguments, reason) in [
        (&["create", "refused", "--email", "ADA@example.com", "--role", "owner"][..], "already"),
        (&["create", "refused", "--email", "nobody", "--role", "owner"], "no e-mail address"),
        (&["create", "refused", "--email", "a@b.c", "--role", "king"], "king"),
        (&["create", "nothing", "--email", "a@b.c", "--role", "owner"], "no tenant"),
        (&["reset-password", "refused", "bob@example.com"], "no local account"),
        (&["reset-password", "nothing", "ada@example.com"], "no tenant"),
    ] {
        let (code, printed, told) = member(&app, arguments);
        assert_ne!(code, Some(0), "{arguments:?}");
        assert_eq!(printed, "", "{arguments:?}");
        assert!(told.contains(reason), "{arguments:?}: {told}");
    }
}

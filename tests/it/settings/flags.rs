//! Flags: what is switched off is refused with 503, for everybody or for one tenant, and nothing of it is kept.

use std::process::Command;
use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::{Value, json};

use crate::support::{TestApp, TestTenant};

const TEXT: &str = "# Pump\n\nThe pump of the north hall runs at night from ten until four.\n";

/// Runs `pidima tenant flag`; whether it succeeded.
fn set(app: &TestApp, slug: &str, flag: &str, state: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .args(["tenant", "flag", slug, flag, state])
        .env("DATABASE_URL", app.database.app_url())
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    output.status.success()
}

fn refused(problem: &Value, words: &str) {
    assert_eq!(problem["code"], "unavailable", "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with(words), "{problem}");
}

/// Whether each of the two is done: uploads and questions.
async fn done(tenant: &TestTenant) -> (bool, bool) {
    let uploaded = tenant.upload(&format!("{}.md", uuid::Uuid::new_v4()), TEXT).await;
    match uploaded.status.as_u16() {
        202 => {}
        _ => refused(&uploaded.clone().expect(503), "uploads are switched off"),
    }
    let asked = tenant.post("/v1/answers", &json!({ "question": "When does it run?" })).await;
    match asked.status.as_u16() {
        200 => {}
        _ => refused(&asked.clone().expect(503), "questions are switched off"),
    }
    (uploaded.status == 202, asked.status == 200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_holds_for_all_and_a_tenant_of_its_own_wins_both_ways() {
    let settings = [("PIDIMA_FLAG_QUESTIONS", "off")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    assert_eq!(done(&acme).await, (true, false));
    assert!(set(&app, "acme", "questions", "on"));
    assert!(set(&app, "acme", "uploads", "off"));
    assert_eq!(done(&acme).await, (false, true));
    assert_eq!(done(&other).await, (true, false), "another tenant is as before");
    assert!(set(&app, "acme", "questions", "default"));
    assert!(set(&app, "acme", "uploads", "default"));
    assert_eq!(done(&acme).await, (true, false));
    let actions = "select action || ' ' || target_id || ' ' || (before ->> 'state') || ' ' || (after ->> 'state')
        from app.audit_events where tenant_id = $1 and action = 'flag.changed' order by sequence";
    let noted: Vec<String> = sqlx::query_scalar(actions)
        .bind(acme.id.uuid())
        .fetch_all(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(
        noted,
        [
            "flag.changed questions default on",
            "flag.changed uploads default off",
            "flag.changed questions on default",
            "flag.changed uploads off default",
        ]
    );
    for [slug, flag, state] in
        [["acme", "downloads", "off"], ["acme", "uploads", "maybe"], ["nobody", "uploads", "off"]]
    {
        assert!(!set(&app, slug, flag, state), "{slug} {flag} {state}");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_refused_and_what_was_done_before_is_told_again() {
    let app = TestApp::start_idle(
        &[],
        pidima::app::Outside {
            embedder: Arc::new(crate::support::minilm().await),
            models: Arc::new(ExtractiveModel).into(),
        },
    )
    .await;
    let tenant = app.tenant("acme").await;
    let body = json!({ "question": "When does it run?" });
    let ask = |key: &'static str| {
        let request = tenant.request(reqwest::Method::POST, "/v1/answers").json(&body);
        tenant.send(request.header("idempotency-key", key))
    };
    let answer = ask("before").await.expect(200);
    let admin = app.database.admin();
    for flag in ["uploads", "questions"] {
        let statement =
            "insert into app.tenant_flags (tenant_id, flag, is_on) values ($1, $2, false)";
        sqlx::query(statement).bind(tenant.id.uuid()).bind(flag).execute(&admin).await.unwrap();
    }
    let count = async || {
        let statement =
            "select (select count(*) from app.documents) + (select count(*) from app.runs)
            + (select count(*) from app.messages) + (select count(*) from app.idempotency_keys)";
        sqlx::query_scalar::<_, i64>(statement).fetch_one(&admin).await.unwrap()
    };
    let before = count().await;
    assert_eq!(done(&tenant).await, (false, false));
    ask("after").await.expect(503);
    assert_eq!(count().await, before);
    assert!(!app.objects.exists(), "no original was written");
    assert_eq!(ask("before").await.expect(200)["message_id"], answer["message_id"]);
    // With the flag on again the very request is carried out.
    sqlx::query("update app.tenant_flags set is_on = true").execute(&admin).await.unwrap();
    ask("after").await.expect(200);
}

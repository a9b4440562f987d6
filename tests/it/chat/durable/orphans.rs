//! Instances that die, and instances that were taken for dead and come back.

use pidima::adapters::models::FinishReason;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::instance::Instance;
use super::{
    GUIDE, IMPATIENT, ask, check_numbers, delta, follow, history, joined, no_run_is_left,
    open_session, paused, run, run_id, seen,
};
use crate::chat::scripted_with;
use crate::support::{Script, StreamEvent, TestApp, eventually, services};

/// Waits until the lease of a run tells of so many events.
async fn stored(admin: &PgPool, run: &str, count: i32) {
    eventually("the events are stored", || async {
        let found: Option<i32> =
            sqlx::query_scalar("select event_count from app.run_leases where run_id = $1::uuid")
                .bind(run)
                .fetch_optional(admin)
                .await
                .unwrap();
        found.is_some_and(|found| found >= count)
    })
    .await;
}

#[tokio::test]
async fn the_text_of_a_run_whose_instance_was_killed_is_kept_and_readers_go_on_elsewhere() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let doomed = Instance::beside(&app, model.clone(), IMPATIENT).await;
    let said = vec![delta("Keys live for 90 days. [1] (Yes)"), delta(" And")];
    model.on("How long?", Script::Pause(said, vec![]));
    model.on("silent?", Script::Pause(vec![], vec![]));
    let at = tenant.at(&doomed.url);
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = at.follow(&path, &json!({ "content": "How long?" })).await;
    let id = run_id(&reader.next().await.unwrap());
    let mut silent = ask(&at, "silent?").await;
    let silent_id = run_id(&silent.next().await.unwrap());
    stored(&app.database.admin(), &id, 3).await;
    let mut elsewhere = follow(&tenant, &id, 0).await;
    assert_eq!(elsewhere.next().await.unwrap().name, "started");
    doomed.kill();
    let rest = elsewhere.rest().await;
    let answer = rest.last().unwrap().data["answer"].clone();
    assert_eq!(answer["content"], "Keys live for 90 days. [1] (Yes) And");
    assert_eq!(answer["content"], joined(&rest));
    assert!(rest.iter().all(|event| event.name != "reset"), "nothing that was shown is void");
    assert_eq!(answer["outcome"], "partial");
    assert_eq!(answer["outcome_reason"], "interrupted");
    assert_eq!(answer["citations"].as_array().unwrap().len(), 1);
    assert_eq!(answer["usage"]["provider"], "scripted");
    let messages = history(&tenant, &session).await;
    assert_eq!(seen(&messages[1]), seen(&answer));
    assert_eq!(run(&tenant, &id).await["state"], "interrupted");
    let error = follow(&tenant, &silent_id, 1).await.rest().await;
    assert_eq!((error[0].id, error[0].data["code"].as_str()), (2, Some("unavailable")));
    assert_eq!(error[0].data["retryable"], true);
    assert_eq!(run(&tenant, &silent_id).await["state"], "interrupted");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_session_is_free_again_when_the_instance_of_its_run_is_gone() {
    // Nobody looks for orphans here.
    let settings = [IMPATIENT, &[("PIDIMA_RUN_SWEEP_MS", "60000")]].concat();
    let (app, model) = scripted_with(&settings).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let doomed = Instance::beside(&app, model.clone(), &settings).await;
    model.on("How long?", paused());
    model.on("Again?", Script::answer(&["90 days. [1]"], FinishReason::Stop));
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.at(&doomed.url).follow(&path, &json!({ "content": "How long?" })).await;
    let id = run_id(&reader.next().await.unwrap());
    stored(&app.database.admin(), &id, 2).await;
    doomed.kill();
    let again = json!({ "content": "Again?" });
    assert_eq!(tenant.post(&path, &again).await.status, 409, "it is believed to live for a while");
    eventually("the session is free", || async { tenant.post(&path, &again).await.status == 200 })
        .await;
    let told: Vec<Value> = history(&tenant, &session).await;
    let texts: Vec<&str> = told.iter().map(|it| it["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["How long?", "Keys live for", "Again?", "90 days. [1]"]);
    assert_eq!(told[1]["outcome_reason"], "interrupted");
    // No copy of what was said before hides what was kept of the answer.
    let history = model.prompts().pop().unwrap().history;
    let before: Vec<&str> = history.iter().map(|turn| turn.content.as_str()).collect();
    assert_eq!(before, ["How long?", "Keys live for"]);
}

/// An instance that is killed before it has stored all that it had shown; what its reader sees in the end.
async fn killed_too_early(redis: Option<&str>) -> (TestApp, Vec<StreamEvent>) {
    let mut settings = IMPATIENT.to_vec();
    settings.retain(|(name, _)| *name != "PIDIMA_RUN_FLUSH_INTERVAL_MS");
    // The first words are stored at once, the few that follow are not.
    settings.push(("PIDIMA_RUN_FLUSH_INTERVAL_MS", "10000"));
    settings.push(("PIDIMA_RUN_FLUSH_BYTES", "20"));
    settings.extend(redis.map(|url| ("PIDIMA_REDIS_URL", url)));
    let (app, model) = scripted_with(&settings).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let doomed = Instance::beside(&app, model.clone(), &settings).await;
    let first = vec![delta("Keys live for 90 days. [1] (Yes)")];
    model.on("How long?", Script::Hang(first, vec![delta(" And")]));
    let mut reader = ask(&tenant.at(&doomed.url), "How long?").await;
    let mut events = Vec::new();
    while !joined(&events).ends_with("(Yes)") {
        events.push(reader.next().await.unwrap());
    }
    let id = run_id(&events[0]);
    let kept = i32::try_from(events.len()).unwrap();
    stored(&app.database.admin(), &id, kept).await;
    model.release();
    while !joined(&events).ends_with(" And") {
        events.push(reader.next().await.unwrap());
    }
    if redis.is_some() {
        // Who reads elsewhere sees what is stored nowhere.
        let mut elsewhere = follow(&tenant, &id, 0).await;
        let mut seen = Vec::new();
        while !joined(&seen).ends_with(" And") {
            seen.push(elsewhere.next().await.unwrap());
        }
        let count: i32 = sqlx::query_scalar("select event_count from app.run_leases")
            .fetch_one(&app.database.admin())
            .await
            .unwrap();
        assert_eq!(count, kept);
    }
    doomed.kill();
    events.extend(follow(&tenant, &id, events.len()).await.rest().await);
    check_numbers(&events);
    no_run_is_left(&app).await;
    (app, events)
}

#[tokio::test]
async fn what_was_shown_and_not_stored_is_taken_back() {
    let (_app, events) = Box::pin(killed_too_early(None)).await;
    let resets: Vec<&StreamEvent> = events.iter().filter(|event| event.name == "reset").collect();
    assert_eq!(resets.len(), 1, "{events:?}");
    assert_eq!(resets[0].data["reason"], "interrupted");
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["content"], "Keys live for 90 days. [1] (Yes)");
    assert_eq!(answer["content"], joined(&events));
    assert_eq!(answer["citations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_redis_still_has_of_a_killed_instance_is_kept_too() {
    let valkey = services().valkey.unwrap();
    let (_app, events) = Box::pin(killed_too_early(Some(&valkey))).await;
    assert!(events.iter().all(|event| event.name != "reset"), "{events:?}");
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["content"], "Keys live for 90 days. [1] (Yes) And");
    assert_eq!(answer["content"], joined(&events));
}

/// An instance that stands still for longer than its lease, while another ends its run; then it goes on, and its model says
/// the rest. `between` is done while it stands still, with its id. What its reader saw, and the messages in the end.
async fn zombie(between: impl AsyncFnOnce(&PgPool, &str, Uuid)) -> (Vec<StreamEvent>, Vec<Value>) {
    let (app, model) = scripted_with(IMPATIENT).await;
    let admin = app.database.admin();
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let zombie = Instance::beside(&app, model.clone(), IMPATIENT).await;
    model.on("How long?", paused());
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.at(&zombie.url).follow(&path, &json!({ "content": "How long?" })).await;
    let mut events = vec![reader.next().await.unwrap(), reader.next().await.unwrap()];
    let id = run_id(&events[0]);
    stored(&admin, &id, 2).await;
    let instance: Uuid = sqlx::query_scalar("select instance_id from app.run_leases")
        .fetch_one(&admin)
        .await
        .unwrap();
    let frozen = zombie.freeze();
    eventually("it is taken for dead", || async {
        run(&tenant, &id).await["state"] == "interrupted"
    })
    .await;
    between(&admin, &id, instance).await;
    model.release();
    drop(frozen);
    events.extend(reader.rest().await);
    no_run_is_left(&app).await;
    (events, history(&tenant, &session).await)
}

/// What is wrong: a run has one answer, and its readers are told that one.
fn faults(events: &[StreamEvent], messages: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let answers: Vec<&Value> =
        messages.iter().filter(|message| message["role"] == "assistant").collect();
    if answers.len() != 1 {
        faults.push(format!("{} answers", answers.len()));
    }
    if answers[0]["content"] != joined(events) {
        faults.push(format!("{} was told, {} is stored", joined(events), answers[0]["content"]));
    }
    faults
}

#[tokio::test]
async fn an_instance_that_comes_back_too_late_changes_nothing() {
    let (events, messages) = Box::pin(zombie(async |_, _, _| {})).await;
    check_numbers(&events);
    assert_eq!(faults(&events, &messages), [""; 0], "{events:?} {messages:?}");
    assert_eq!(messages[1]["content"], "Keys live for");
    assert_eq!(messages[1]["outcome_reason"], "interrupted");
}

#[tokio::test]
async fn without_the_fence_the_same_check_finds_two_answers() {
    let unfenced = async |admin: &PgPool, run: &str, instance: Uuid| {
        // As if the lease had not been taken away, and the state of the run were not asked.
        sqlx::query(
            "update app.runs set state = 'running', ended_at = null where run_id = $1::uuid",
        )
        .bind(run)
        .execute(admin)
        .await
        .unwrap();
        sqlx::query(
            "insert into app.run_leases
                (run_id, for_tenant, session_id, instance_id, event_count, expires_at)
            select run_id, tenant_id, session_id, $2, 2, now() + interval '1 hour'
            from app.runs
            where run_id = $1::uuid",
        )
        .bind(run)
        .bind(instance)
        .execute(admin)
        .await
        .unwrap();
    };
    let (events, messages) = Box::pin(zombie(unfenced)).await;
    let found = faults(&events, &messages);
    assert!(found.contains(&"2 answers".to_owned()), "{found:?}");
}

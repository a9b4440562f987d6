//! The last messages of a session kept near: a question needs no query for them while the copy is right, and gets the same
//! answer without one.

use pidima::adapters::models::{FinishReason, Turn};
use serde_json::json;

use super::{GUIDE, no_run_is_left, open_session, scripted_with};
use crate::support::{
    Mode, OwnValkey, RedisProxy, Script, ScriptedModel, TestApp, TestTenant, services,
};

/// How often the messages of a session were asked for.
async fn history_queries(app: &TestApp) -> i64 {
    let admin = app.database.admin();
    let create = "create extension if not exists pg_stat_statements";
    sqlx::raw_sql(create).execute(&admin).await.unwrap();
    let calls: Option<i64> = sqlx::query_scalar(
        "select sum(s.calls)::bigint
        from pg_stat_statements s
        join pg_database d on d.oid = s.dbid
        where d.datname = current_database()
            and s.query like '%read_collection_ids%from messages%order by message_id desc%'",
    )
    .fetch_one(&admin)
    .await
    .unwrap();
    calls.unwrap_or_default()
}

/// What the model was told was said before, at the last question.
fn told(model: &ScriptedModel) -> Vec<(String, String)> {
    let turns = model.prompts().pop().unwrap().history;
    turns.into_iter().map(|Turn { role, content }| (format!("{role:?}"), content)).collect()
}

/// Asks, with an answer of its own.
async fn ask(tenant: &TestTenant, model: &ScriptedModel, session: &str, question: &str) {
    let answer = format!("About {question}. [1]");
    model.on(question, Script::answer(&[&answer], FinishReason::Stop));
    let path = format!("/v1/sessions/{session}/messages");
    tenant.post(&path, &json!({ "content": question })).await.expect(200);
}

/// What must have been said after so many questions.
fn said(questions: &[&str]) -> Vec<(String, String)> {
    let both = questions.iter().flat_map(|question| {
        [("User", (*question).to_owned()), ("Assistant", format!("About {question}. [1]"))]
    });
    both.map(|(role, content)| (role.to_owned(), content)).collect()
}

/// Asks a question until it needed no query for what was said before. Each one must be told all that was said.
async fn ask_until_near(
    app: &TestApp,
    tenant: &TestTenant,
    model: &ScriptedModel,
    session: &str,
    asked: &mut Vec<String>,
) {
    for _ in 0..100 {
        let question = format!("question {}", asked.len());
        let before = history_queries(app).await;
        ask(tenant, model, session, &question).await;
        let is_near = history_queries(app).await == before;
        check_told(model, asked);
        asked.push(question);
        if is_near {
            return;
        }
    }
    panic!("the messages are never near");
}

/// The last question was told all that was said before, as far as the history goes.
fn check_told(model: &ScriptedModel, asked: &[String]) {
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let mut expected = said(&asked);
    let told = told(model);
    expected.drain(..expected.len().saturating_sub(told.len()));
    assert_eq!(told, expected);
    assert!(asked.is_empty() || told.len() >= 2, "{asked:?}");
}

async fn setup(
    redis: Option<&str>,
) -> (TestApp, std::sync::Arc<ScriptedModel>, TestTenant, String) {
    // No summary is made of so few messages: it would be one more that asks for them.
    let mut settings = vec![("PIDIMA_CHAT_HISTORY_MESSAGES", "40")];
    if let Some(url) = redis {
        settings.extend([("PIDIMA_REDIS_URL", url), ("PIDIMA_REDIS_TIMEOUT_MS", "1000")]);
    }
    let (app, model) = scripted_with(&settings).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let session = open_session(&tenant, &json!({})).await;
    (app, model, tenant, session)
}

#[tokio::test]
async fn a_question_needs_no_query_for_what_was_said_before() {
    for redis in [None, services().valkey] {
        let (app, model, tenant, session) = setup(redis.as_deref()).await;
        let mut asked = Vec::new();
        for _ in 0..5 {
            ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
        }
        no_run_is_left(&app).await;
    }
}

#[tokio::test]
async fn a_message_that_the_copy_lacks_is_read_from_the_rows() {
    let (app, model, tenant, session) = setup(None).await;
    let mut asked = Vec::new();
    ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    // As another instance would, which keeps its own copies.
    sqlx::query("update app.messages set content = 'Something else.' where role = 'assistant'")
        .execute(&app.database.admin())
        .await
        .unwrap();
    sqlx::query("update app.sessions set revision = revision + 1")
        .execute(&app.database.admin())
        .await
        .unwrap();
    let before = history_queries(&app).await;
    ask(&tenant, &model, &session, "and then the keys").await;
    assert_eq!(history_queries(&app).await, before + 1);
    assert!(told(&model).iter().any(|(_, content)| content == "Something else."));
}

#[tokio::test]
async fn a_session_that_was_deleted_answers_nothing_although_a_copy_is_left() {
    let (app, model, tenant, session) = setup(services().valkey.as_deref()).await;
    let mut asked = Vec::new();
    ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    sqlx::query("delete from app.sessions").execute(&app.database.admin()).await.unwrap();
    let path = format!("/v1/sessions/{session}/messages");
    let gone = tenant.post(&path, &json!({ "content": "question 0" })).await;
    assert_eq!(gone.status.as_u16(), 404, "{}", gone.text());
}

#[tokio::test]
async fn who_lost_a_collection_is_not_told_of_it_from_a_copy() {
    let (app, model, owner, _) = setup(None).await;
    let member = owner.with_role("member").await;
    let session = open_session(&member, &json!({})).await;
    let mut asked = Vec::new();
    ask_until_near(&app, &member, &model, &session, &mut asked).await;
    let collections = owner.get("/v1/collections").await.expect(200);
    let collection = collections["items"][0]["id"].as_str().unwrap().to_owned();
    let group = owner.post("/v1/groups", &json!({ "name": "few" })).await.expect(201);
    let limit = json!({ "group_ids": [group["id"]] });
    owner.patch(&format!("/v1/collections/{collection}"), &limit).await.expect(200);
    // Something that is still open to all, so that there is something to be asked about.
    let open = owner.post("/v1/collections", &json!({ "name": "open" })).await.expect(201);
    let file = reqwest::multipart::Part::bytes(GUIDE.as_bytes()).file_name("open.md");
    let form = reqwest::multipart::Form::new()
        .text("collection_id", open["id"].as_str().unwrap().to_owned())
        .part("file", file);
    let request = owner.request(reqwest::Method::POST, "/v1/documents").multipart(form);
    let document = owner.send(request).await.json();
    owner.settled(document["id"].as_str().unwrap()).await;
    let before = history_queries(&app).await;
    ask(&member, &model, &session, "what else of keys").await;
    let told = told(&model);
    assert_eq!(history_queries(&app).await, before, "from the copy");
    let answers = told.iter().filter(|(role, _)| role == "Assistant");
    assert!(answers.clone().count() > 0);
    for (_, content) in answers {
        assert!(content.contains("withheld"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_gone_slow_or_emptied_the_rows_tell_the_same() {
    let own = OwnValkey::start().await;
    let proxy = RedisProxy::before(own.server.url()).await;
    let (app, model, tenant, session) = setup(Some(&proxy.url)).await;
    let mut asked = Vec::new();
    ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    for mode in [Mode::Silent, Mode::Cut] {
        proxy.set(mode);
        let question = format!("question {}", asked.len());
        let before = history_queries(&app).await;
        ask(&tenant, &model, &session, &question).await;
        assert_eq!(history_queries(&app).await, before + 1, "{mode:?}");
        check_told(&model, &asked);
        asked.push(question);
        proxy.set(Mode::Pass);
        ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    }
    let client = redis::Client::open(own.server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*session*").query_async(&mut connection).await.unwrap();
    assert_eq!(keys, Vec::<String>::new());
    ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    // Whatever else stands there.
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*session*").query_async(&mut connection).await.unwrap();
    for garbage in [&["HSET", "version", "99999", "value", "{}"][..], &["HSET", "value", "words"]] {
        for key in &keys {
            let mut set = redis::cmd(garbage[0]);
            set.arg(key).arg(&garbage[1..]);
            let _: i64 = set.query_async(&mut connection).await.unwrap();
        }
        let question = format!("question {}", asked.len());
        ask(&tenant, &model, &session, &question).await;
        check_told(&model, &asked);
        asked.push(question);
    }
    own.stop().await;
    let question = format!("question {}", asked.len());
    ask(&tenant, &model, &session, &question).await;
    check_told(&model, &asked);
}

#[tokio::test]
async fn deleting_a_session_takes_its_copy_along() {
    let url = services().valkey.unwrap();
    let (app, model, tenant, session) = setup(Some(&url)).await;
    let mut asked = Vec::new();
    ask_until_near(&app, &tenant, &model, &session, &mut asked).await;
    let key =
        format!("pidima:t:{}:session:{}", tenant.id.uuid().simple(), session.replace('-', ""));
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut exists = redis::cmd("EXISTS");
    exists.arg(&key);
    // The copy of the last answer is stored after it was told.
    let there = async |connection: &mut redis::aio::MultiplexedConnection| {
        exists.query_async::<i64>(connection).await.unwrap() == 1
    };
    assert!(there(&mut connection).await);
    no_run_is_left(&app).await;
    tenant.delete(&format!("/v1/sessions/{session}")).await.expect(204);
    assert!(!there(&mut connection).await);
}

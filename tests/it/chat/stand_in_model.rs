//! The provider `openai` as the settings make it, against a server of the test's own.

use std::time::Duration;

use pidima::app::Outside;
use pidima::config::{Config, Env};
use serde_json::json;

use super::{GUIDE, check_numbers, no_run_is_left};
use crate::models::stand_in::{Do, StandIn};
use crate::support::{TestApp, TestTenant};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn chunk(text: &str) -> String {
    let delta = json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    format!("data: {delta}\n\n")
}

async fn start(stand_in: &StandIn) -> (TestApp, TestTenant) {
    let base_url = stand_in.base_url().to_owned();
    let settings = [
        ("PIDIMA_MODEL_PROVIDER", "openai"),
        ("PIDIMA_OPENAI_BASE_URL", base_url.as_str()),
        ("PIDIMA_OPENAI_MODEL", "some-model"),
        ("PIDIMA_OPENAI_API_KEY", "top-secret-key"),
        ("PIDIMA_MODEL_FIRST_TOKEN_TIMEOUT_MS", "400"),
        ("PIDIMA_MODEL_NEXT_TOKEN_TIMEOUT_MS", "400"),
    ];
    let database = [("DATABASE_URL", "postgres://nobody@localhost/nothing")];
    let config = Config::from_env(&Env::from_pairs(settings.into_iter().chain(database))).unwrap();
    let outside = Box::pin(Outside::connect(&config)).await.unwrap();
    let app = TestApp::start_outside(&settings, outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    (app, tenant)
}

#[tokio::test]
async fn the_model_server_is_given_this_tenants_passages_and_its_count_is_kept() {
    let stop = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 321, "completion_tokens": 9 } });
    let body = format!(
        "{HEAD}{}{}{}data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n",
        chunk("Keys live for 90 "),
        chunk("days. ["),
        chunk("1]")
    );
    let stand_in = StandIn::start(vec![Do::Send(body.into_bytes())]).await;
    let (app, tenant) = Box::pin(start(&stand_in)).await;
    let other = app.tenant("globex").await;
    other.learn("secret.md", "# Keys\n\nThe keys of globex live for ZANZIBAR days.\n").await;

    let answer = tenant.ask("How long do keys live?").await;
    assert_eq!(answer["content"], "Keys live for 90 days. [1]");
    assert_eq!(answer["citations"][0]["quote"], "Keys live for 90 days.");
    assert_eq!(answer["outcome"], "answered");
    assert_eq!(answer["usage"]["provider"], "openai");
    assert_eq!(answer["usage"]["model"], "some-model");
    assert_eq!(answer["usage"]["input_tokens"], 321);
    assert_eq!(answer["usage"]["output_tokens"], 9);
    assert!(!answer.to_string().contains("top-secret-key"));

    let prompt = stand_in.body().to_string();
    assert!(prompt.contains("Keys live for 90 days."));
    assert!(!prompt.contains("ZANZIBAR"), "{prompt}");
    assert!(!prompt.contains(&tenant.id.to_string()));
    let run: (String, String, i64, i64) = sqlx::query_as(
        "select provider, model, input_tokens, output_tokens from analytics.answers",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(run, ("openai".to_owned(), "some-model".to_owned(), 321, 9));
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_model_server_that_stands_still_before_its_first_word_is_given_up() {
    let script = vec![Do::Send(HEAD.into()), Do::Wait(Duration::from_secs(20))];
    let stand_in = StandIn::start(script).await;
    let (app, tenant) = Box::pin(start(&stand_in)).await;
    let body = json!({ "question": "How long do keys live?" });
    let events = tenant.follow("/v1/answers", &body).await.rest().await;
    check_numbers(&events);
    assert_eq!(events.last().unwrap().data["code"], "unavailable");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_model_server_that_stands_still_inside_its_answer_leaves_what_it_said() {
    let begun = format!("{HEAD}{}", chunk("Keys live for 90 days. [1]"));
    let script = vec![Do::Send(begun.into_bytes()), Do::Wait(Duration::from_secs(20))];
    let stand_in = StandIn::start(script).await;
    let (app, tenant) = Box::pin(start(&stand_in)).await;
    let answer = tenant.ask("How long do keys live?").await;
    assert_eq!(answer["content"], "Keys live for 90 days. [1]");
    assert_eq!(answer["outcome"], "partial");
    assert_eq!(answer["outcome_reason"], "model_failed");
    no_run_is_left(&app).await;
}

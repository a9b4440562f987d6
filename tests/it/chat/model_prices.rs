//! What an answer costs: the operator's prices at its time, for all tries together, and nothing where no price is known.

use std::process::Command;
use std::sync::Arc;

use chrono::{Duration, Utc};
use pidima::adapters::models::{ChatModel, FailoverSettings, ModelRegistry};
use pidima::app::Outside;
use serde_json::Value;

use super::GUIDE;
use crate::models::stand_in::Do;
use crate::models::wires::{ModelServer, Wire};
use crate::support::{TestApp, TestTenant, minilm};

/// The command of the operator on this application's database.
fn model(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("model")
        .args(arguments)
        .env("DATABASE_URL", app.database.app_url())
        .output()
        .expect("the command runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

async fn start(wire: Wire) -> (TestApp, TestTenant, ModelServer) {
    let server =
        ModelServer::start(move |_| vec![Do::Send(wire.answer(&["Keys live for 90 days. [1]"]))])
            .await;
    let providers = [("main".to_owned(), wire.model(&server) as Arc<dyn ChatModel>)];
    let models = ModelRegistry::new(providers, FailoverSettings::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    (app, tenant, server)
}

async fn cost(tenant: &TestTenant) -> Value {
    let answer = tenant.ask("How long do keys live?").await;
    assert_eq!(answer["usage"]["input_tokens"], 321);
    assert_eq!(answer["usage"]["output_tokens"], 9);
    assert_eq!(answer["usage"]["estimated"], false);
    answer["usage"].get("cost_usd").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_costs_what_the_price_of_its_time_says_and_old_answers_keep_theirs() {
    let (app, tenant, _server) = start(Wire::OpenAi).await;
    assert_eq!(cost(&tenant).await, Value::Null, "no price is known");

    let dated = (Utc::now() - Duration::days(30)).to_rfc3339();
    let first = ["set", "openai", "stand-in", "--input-usd", "2", "--output-usd", "10"];
    let first = [&first[..], &["--source", "a list", "--valid-from", &dated]].concat();
    assert!(model(&app, &first).0);
    // 321 tokens at 2 and 9 at 10 US dollars for a million.
    assert_eq!(cost(&tenant).await, 0.000_732);

    let later = (Utc::now() + Duration::days(1)).to_rfc3339();
    for (from, dollars) in [(later.as_str(), "50"), (&Utc::now().to_rfc3339(), "4")] {
        let set = ["set", "openai", "stand-in", "--input-usd", dollars, "--output-usd", "10"];
        assert!(model(&app, &[&set[..], &["--source", "a list", "--valid-from", from]].concat()).0);
    }
    assert_eq!(cost(&tenant).await, 0.001_374, "the newest that has begun");

    // A price for the provider's own name goes before that of its kind.
    let own =
        ["set", "main", "stand-in", "--input-usd", "0", "--output-usd", "0", "--source", "ours"];
    assert!(model(&app, &own).0);
    assert_eq!(cost(&tenant).await, 0.0);

    let stored: Vec<Option<i64>> =
        sqlx::query_scalar("select cost_micro_usd from app.runs order by run_id")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(stored, [None, Some(732), Some(1374), Some(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_missing_is_estimated_and_marked_everywhere() {
    let server = ModelServer::start(|_| {
        let wire = Wire::OpenAi;
        let text = wire.token("Keys live for 90 days. [1]");
        vec![Do::Send([wire.head(), text, wire.stop(), wire.done()].concat())]
    })
    .await;
    let providers = [("main".to_owned(), Wire::OpenAi.model(&server))];
    let models = ModelRegistry::new(providers, FailoverSettings::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let answer = tenant.ask("How long do keys live?").await;
    let usage = &answer["usage"];
    assert_eq!((&usage["estimated"], &usage["output_tokens"]), (&true.into(), &7.into()));
    assert!(usage["input_tokens"].as_i64().unwrap() > 50);
    let row: (bool, bool) = sqlx::query_as(
        "select r.usage_estimated, a.usage_estimated
        from app.runs r
        join analytics.model_attempts a on a.run_id = r.run_id",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(row, (true, true));
}

/// The price function on made-up tries: cached tokens, tokens put into the cache, and a try without a price.
#[tokio::test(flavor = "multi_thread")]
async fn cached_tokens_have_their_own_price_and_a_try_without_a_price_makes_the_sum_unknown() {
    let app = TestApp::start().await;
    let set = |arguments: &[&str]| {
        let source = ["--source", "a list", "--valid-from", "2020-01-01T00:00:00Z"];
        let (good, told) = model(&app, &[&["set"], arguments, &source].concat());
        assert!(good, "{told}");
    };
    set(&[
        "bedrock",
        "cached",
        "--input-usd",
        "10",
        "--output-usd",
        "100",
        "--cached-input-usd",
        "1",
        "--cache-write-usd",
        "12.5",
    ]);
    set(&["bedrock", "plain", "--input-usd", "0.000001", "--output-usd", "0.15"]);
    let price = |attempts: Value| {
        let admin = app.database.admin();
        async move {
            sqlx::query_scalar::<_, Option<i64>>("select app.cost_micro_usd($1, now())")
                .bind(attempts)
                .fetch_one(&admin)
                .await
                .unwrap()
        }
    };
    let attempt = |model: &str, usage: Value| serde_json::json!({ "provider": "main", "kind": "bedrock", "model": model, "usage": usage });
    let usage = serde_json::json!({ "input_tokens": 1000, "output_tokens": 10,
        "cached_input_tokens": 600, "cache_write_tokens": 100 });
    // 300 at 10, 600 at 1, 100 at 12.5, 10 at 100.
    let cached = attempt("cached", usage.clone());
    assert_eq!(price(serde_json::json!([cached])).await, Some(3000 + 600 + 1250 + 1000));
    let plain = attempt("plain", usage.clone());
    assert_eq!(price(serde_json::json!([cached, plain])).await, Some(5852), "rounded once");
    let unknown = attempt("unknown", usage);
    assert_eq!(price(serde_json::json!([cached, unknown])).await, None);
    let refused = serde_json::json!({ "provider": "main", "kind": "bedrock", "model": "unknown" });
    assert_eq!(price(serde_json::json!([cached, refused])).await, Some(5850), "it cost nothing");
    assert_eq!(price(serde_json::json!([])).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_lists_and_changes_models_and_is_told_what_cannot_be() {
    let app = TestApp::start().await;
    let (_, listed) = model(&app, &["list", "--name", "claude-sonnet-5"]);
    let line =
        listed.lines().find(|line| line.contains("  eu.anthropic.claude-sonnet-5  ")).unwrap();
    assert!(line.contains("$2.2 in, $0.22 cached, $11 out") && line.contains("caches"), "{line}");
    assert!(line.contains("context 1000000") && line.contains("read on 2026-11-26"), "{line}");

    let set = ["set", "openai", "our/llama-3", "--context-tokens", "8192", "--max-output-tokens"];
    assert!(model(&app, &[&set[..], &["2048"]].concat()).0);
    assert!(model(&app, &["set", "openai", "our/llama-3", "--max-output-tokens", "1024"]).0);
    let (_, listed) = model(&app, &["list", "--name", "our/llama-3"]);
    assert_eq!(listed.trim(), "openai  our/llama-3  context 8192  output 1024  -  no price");
    // A running service reads the table again.
    let stop = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(app.app.clone().follow_models(stop.clone()));
    let cards = app.app.models.cards().clone();
    crate::support::eventually("the card is there", || async {
        let card = cards.find("openai", "our/llama-3");
        card.is_some_and(|card| card.context_tokens == Some(8192))
    })
    .await;
    stop.cancel();
    following.await.unwrap();
    for (arguments, words) in [
        (&["set", "openai", "m", "--input-usd", "1"][..], "--output-usd"),
        (&["set", "openai", "m", "--input-usd", "1", "--output-usd", "1"], "--source"),
        (&["set", "openai", "m", "--input-usd", "-1", "--output-usd", "1", "--source", "s"], "-1"),
        (&["set", "openai", "m", "--context-tokens", "0"], "0"),
        (&["set", "", "m"], "1 to 30"),
        (&["set", "openai", &"m".repeat(201)], "1 to 200"),
    ] {
        let (good, told) = model(&app, arguments);
        assert!(!good && told.contains(words), "{arguments:?}: {told}");
    }
    let name = "m".repeat(200);
    assert!(model(&app, &["set", &"p".repeat(30), &name]).0, "at the bound");
}

//! Limits of keys, persons and tenants, and of what costs much.

use std::sync::Arc;

use futures_util::future::join_all;
use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::config::{Config, Env};
use pidima::server;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::valkey;
use crate::api::problem;
use crate::support::{Mode, RedisProxy, TestApp, TestTenant, minilm};

async fn start(settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(settings, Arc::new(ExtractiveModel)).await
}

/// How many of so many requests are not refused.
async fn passed(tenant: &TestTenant, tries: usize) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        let reply = tenant.get("/v1/me").await;
        assert!(matches!(reply.status.as_u16(), 200 | 429), "{}", reply.text());
        passed += usize::from(reply.status == 200);
    }
    passed
}

#[tokio::test]
async fn a_limited_action_is_refused_for_one_key_and_nothing_else_is() {
    let settings = [("PIDIMA_LIMIT_ASK_BURST", "2"), ("PIDIMA_LIMIT_ASK_PER_MINUTE", "1")];
    let app = start(&settings).await;
    let owner = app.tenant("asking").await;
    let other = owner.with_role("member").await;
    let question = json!({ "question": "Which pump?" });
    for left in [1, 0] {
        let reply = owner.post("/v1/answers", &question).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.headers["ratelimit-policy"], "\"ask\";q=2;w=120");
        let state = reply.headers["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"ask\";r={left};t=")), "{state}");
    }
    // A question in a conversation is a question too.
    let session = owner.post("/v1/sessions", &json!({})).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    for (path, body) in [("/v1/answers", &question), (&*path, &json!({ "content": "Which?" }))] {
        let refused = owner.post(path, body).await;
        let told = problem(&refused, 429, "rate_limited");
        assert!(told["detail"].as_str().unwrap().contains("\"ask\""), "{told}");
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    owner.post("/v1/search", &json!({ "query": "pump" })).await.expect(200);
    other.post("/v1/answers", &question).await.expect(200);
}

#[tokio::test]
async fn a_noisy_tenant_takes_nothing_from_another_and_a_noisy_key_little_from_its_own() {
    let settings = [
        ("PIDIMA_LIMIT_TENANT_BURST", "20"),
        ("PIDIMA_LIMIT_TENANT_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_CALLER_BURST", "8"),
        ("PIDIMA_LIMIT_CALLER_PER_MINUTE", "1"),
    ];
    let app = start(&settings).await;
    let (noisy, quiet) = (app.tenant("noisy").await, app.tenant("quiet").await);
    let keys = [noisy.with_role("member").await, noisy.with_role("editor").await];
    assert_eq!(passed(&noisy, 40).await, 6, "8, less the two that made keys");
    assert_eq!(passed(&keys[0], 40).await, 8, "refusals of a key cost its tenant nothing");
    assert_eq!(passed(&keys[1], 40).await, 4, "20 of the tenant are used up");
    assert_eq!(passed(&quiet, 10).await, 8);
}

#[tokio::test]
async fn an_upload_that_is_refused_is_heard_out_so_that_its_sender_learns_why() {
    let settings = [("PIDIMA_LIMIT_UPLOAD_BURST", "1"), ("PIDIMA_LIMIT_UPLOAD_PER_MINUTE", "1")];
    let app = start(&settings).await;
    let tenant = app.tenant("sending").await;
    tenant.upload("a.md", "# A\n\nText.").await.expect(202);
    let large = "word ".repeat(1 << 20);
    let refused = tenant.upload("b.md", large).await;
    problem(&refused, 429, "rate_limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_waits_as_long_as_it_is_told_and_loses_nothing() {
    let settings = [("PIDIMA_LIMIT_UPLOAD_BURST", "2"), ("PIDIMA_LIMIT_UPLOAD_PER_MINUTE", "240")];
    let app = start(&settings).await;
    let tenant = app.tenant("importing").await;
    let folder = std::env::temp_dir().join(format!("pidima-import-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..8 {
        std::fs::write(folder.join(format!("{number}.md")), format!("# Page {number}\n")).unwrap();
    }
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("import")
        .arg(&folder)
        .env("PIDIMA_URL", &app.url)
        .env("PIDIMA_API_KEY", &tenant.key)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("8 documents ready"), "{told}");
    let refused = tenant.upload("one-more.md", "# More\n").await.status == 429;
    println!("imported 8 files with 2 at once and 4 a second; refused afterwards: {refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Another instance on the same database.
async fn instance(app: &TestApp, settings: &[(&str, &str)], stop: &CancellationToken) -> String {
    let database = app.database.app_url();
    let mut pairs = vec![("DATABASE_URL", database.as_str()), ("PIDIMA_DATABASE_POOL_SIZE", "4")];
    pairs.extend(settings);
    let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
    let outside =
        Outside { embedder: Arc::new(minilm().await), models: Arc::new(ExtractiveModel).into() };
    let second = app.watch.build(&config, outside);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (endpoint, times) = (app.watch.endpoint(&second), app.watch.times(&second));
    tokio::spawn(server::serve(listener, endpoint, times, stop.clone()));
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_share_one_limit_and_serve_their_shares_while_redis_is_away() {
    let proxy = RedisProxy::before(&valkey()).await;
    let settings = [
        ("PIDIMA_REDIS_URL", proxy.url.as_str()),
        ("PIDIMA_REDIS_TIMEOUT_MS", "5000"),
        ("PIDIMA_LIMIT_INSTANCES", "2"),
        ("PIDIMA_LIMIT_CALLER_BURST", "12"),
        ("PIDIMA_LIMIT_CALLER_PER_MINUTE", "1"),
    ];
    let (app, stop) = (start(&settings).await, CancellationToken::new());
    let other = instance(&app, &settings, &stop).await;
    let burst = async |tenant: &TestTenant, tries: usize| {
        let (here, there) = (tenant.clone(), tenant.at(&other));
        let each = (0..tries).map(|number| {
            let at = if number % 2 == 0 { here.clone() } else { there.clone() };
            async move { at.get("/v1/me").await.status.as_u16() }
        });
        let statuses = join_all(each).await;
        assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
        statuses.into_iter().filter(|status| *status == 200).count()
    };
    assert_eq!(burst(&app.tenant("together").await, 60).await, 12);
    proxy.set(Mode::Cut);
    assert_eq!(burst(&app.tenant("alone").await, 60).await, 12, "6 here and 6 there");
    stop.cancel();
}

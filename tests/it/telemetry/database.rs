//! Who asked, as the server of the database tells it.

use reqwest::RequestBuilder;
use serde_json::json;
use sqlx::PgPool;

use super::collector::Collector;
use super::traces::{GUIDE, TRACE, XRAY, learn};
use crate::support::eventually;
use crate::support::program::{self, House};

/// Names of the connections that wait for a lock.
async fn waiting(admin: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select distinct application_name from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'",
    )
    .fetch_all(admin)
    .await
    .unwrap()
}

/// The names end with their transactions.
async fn assert_none_left(admin: &PgPool) {
    let left = || async {
        let sql = "select count(*) from pg_stat_activity
            where datname = current_database() and application_name <> 'pidima' and application_name like 'pidima%'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(admin).await.unwrap() == 0
    };
    eventually("no connection with the name of a request", left).await;
}

/// The name under which an upload waits, and the id that its request was answered with.
async fn name_of_upload(admin: &PgPool, upload: RequestBuilder) -> (String, String) {
    let mut lock = admin.begin().await.unwrap();
    sqlx::query("lock table app.outbox").execute(&mut *lock).await.unwrap();
    let uploading = tokio::spawn(upload.send());
    let waits = || async { waiting(admin).await.iter().any(|name| name != "pidima") };
    eventually("a transaction that waits under a name", waits).await;
    let names = waiting(admin).await;
    lock.rollback().await.unwrap();
    let response = uploading.await.unwrap().unwrap();
    assert!(response.status().is_success());
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_none_left(admin).await;
    let [name] = &names[..] else { panic!("one waits: {names:?}") };
    (name.clone(), id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_a_trace_is_named_for_it() {
    let (collector, house) = (Collector::start().await, House::new().await);
    let key = house.tenant("told-waiting");
    let settings = [("PIDIMA_OTLP_ENDPOINT", collector.url.as_str())];
    let api = house.start("api", &["serve", "--without-worker"], &settings).ready().await;
    let upload = api.upload(&key, "pumps.md", GUIDE).header("x-amzn-trace-id", XRAY);
    let (name, _) = name_of_upload(&house.admin(), upload).await;
    assert_eq!(name, format!("pidima {TRACE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_a_transaction_is_named_for_the_trace_that_arrived_or_for_its_request()
{
    let house = House::new().await;
    let key = house.tenant("untold-waiting");
    let api = house.start("api", &["serve", "--without-worker"], &[]).ready().await;
    let admin = house.admin();
    let upload = api.upload(&key, "pumps.md", GUIDE).header("x-amzn-trace-id", XRAY);
    let (name, _) = name_of_upload(&admin, upload).await;
    assert_eq!(name, format!("pidima {TRACE}"));
    let (name, id) = name_of_upload(&admin, api.upload(&key, "tubes.md", GUIDE)).await;
    assert_eq!(name, format!("pidima {id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_still_made_is_named_for_the_request_of_its_question() {
    let house = House::new().await;
    let key = house.tenant("untold-answer");
    let api = house.start("api", &["serve"], &[]).ready().await;
    learn(&api, &key, ("x-unread", "1")).await;
    let session = program::json(api.post("/v1/sessions", &key).json(&json!({}))).await;
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let admin = house.admin();
    let mut lock = admin.begin().await.unwrap();
    sqlx::query("lock table app.chunks").execute(&mut *lock).await.unwrap();
    let body = json!({ "content": "Which pump runs at night?" });
    let question = api.post(&path, &key).json(&body).header("accept", "text/event-stream");
    let response = question.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let named = || async { waiting(&admin).await.contains(&format!("pidima {id}")) };
    eventually("the search waits under the name of the request", named).await;
    lock.rollback().await.unwrap();
    let text = response.text().await.unwrap();
    assert!(text.contains("event: done"), "{text}");
    assert_none_left(&admin).await;
}

//! Sources that are read by themselves, and who is told of it.

use pidima::worker::start_all_due_runs;
use serde_json::{Value, json};

use super::site::{Page, Site};
use super::{app, crawl, idle_app, sync};
use crate::support::{TestTenant, eventually};

async fn small_site() -> Site {
    Site::start(&[("/", Page::html("Start", &[], "All that there is."))]).await
}

async fn scheduled(tenant: &TestTenant, site: &Site) -> String {
    let body = json!({ "name": "docs", "configuration": crawl(site, "/"), "every_minutes": 60 });
    let made = tenant.post("/v1/sources", &body).await.expect(201);
    format!("/v1/sources/{}", made["id"].as_str().unwrap())
}

async fn runs(tenant: &TestTenant, path: &str) -> Vec<Value> {
    let page = tenant.get(&format!("{path}/runs")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_source_whose_time_has_come_is_read_once_and_gets_its_next_time() {
    let site = small_site().await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let path = scheduled(&tenant, &site).await;
    let due = "update app.sources set next_run_at = now() - interval '1 second'";
    sqlx::query(due).execute(&app.database.admin()).await.unwrap();
    eventually("it is read", || async {
        runs(&tenant, &path).await.iter().any(|run| run["state"] == "completed")
    })
    .await;
    let all = runs(&tenant, &path).await;
    assert_eq!((all.len(), &all[0]["trigger"]), (1, &json!("schedule")));
    let shown = tenant.get(&path).await.expect(200);
    let next: chrono::DateTime<chrono::Utc> =
        shown["next_run_at"].as_str().unwrap().parse().unwrap();
    let minutes = (next - chrono::Utc::now()).num_minutes();
    assert!((58..=60).contains(&minutes), "{minutes}");
}

#[tokio::test]
async fn workers_that_look_at_once_begin_one_run_and_none_of_a_source_that_rests_or_is_being_read()
{
    let site = small_site().await;
    let app = idle_app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let path = scheduled(&tenant, &site).await;
    let db = &app.app.services.db;
    assert_eq!(start_all_due_runs(db).await.unwrap(), 0, "it is not due");
    let admin = app.database.admin();
    let due = || async {
        let due = "update app.sources set next_run_at = now() - interval '1 second'";
        sqlx::query(due).execute(&admin).await.unwrap();
    };
    due().await;
    tenant.patch(&path, &json!({ "paused": true })).await.expect(200);
    assert_eq!(start_all_due_runs(db).await.unwrap(), 0, "it rests");
    let shown = tenant.patch(&path, &json!({ "paused": false })).await.expect(200);
    assert!(shown["next_run_at"].is_string());
    assert_eq!(start_all_due_runs(db).await.unwrap(), 0, "its time begins anew");
    due().await;
    let look = || start_all_due_runs(db);
    let (one, two, three) = tokio::join!(look(), look(), look());
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 1);
    due().await;
    assert_eq!(start_all_due_runs(db).await.unwrap(), 0, "it is being read");
    assert_eq!(runs(&tenant, &path).await.len(), 1);
    let shown = tenant.get(&path).await.expect(200);
    let next: chrono::DateTime<chrono::Utc> =
        shown["next_run_at"].as_str().unwrap().parse().unwrap();
    assert!(next > chrono::Utc::now());
}

#[tokio::test]
async fn a_run_that_is_asked_for_while_its_time_comes_is_one_run_and_no_fault() {
    let site = small_site().await;
    let app = idle_app(&site, &[]).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let db = &app.app.services.db;
    let admin = app.database.admin();
    let mut paths = Vec::new();
    for _ in 0..20 {
        paths.push(scheduled(&tenant, &site).await);
    }
    let last = scheduled(&other, &site).await;
    let due = "update app.sources set next_run_at = now() - interval '1 second'";
    sqlx::query(due).execute(&admin).await.unwrap();
    let asking = async {
        let asked = paths.iter().map(async |path| {
            let reply = tenant.post(&format!("{path}/sync"), &Value::Null).await;
            assert!([202, 409].contains(&reply.status.as_u16()), "{}", reply.text());
            i64::from(reply.status == 202)
        });
        futures_util::future::join_all(asked).await.into_iter().sum::<i64>()
    };
    let (asked, begun) = tokio::join!(asking, start_all_due_runs(db));
    let more = start_all_due_runs(db).await.unwrap();
    let begun = i64::try_from(begun.unwrap() + more).unwrap();
    let statement =
        "select count(*) from app.source_runs r join app.outbox o on o.subject_id = r.run_id";
    let stored: i64 = sqlx::query_scalar(statement).fetch_one(&admin).await.unwrap();
    assert_eq!((stored, asked + begun), (21, 21));
    assert_eq!(runs(&other, &last).await.len(), 1);
}

#[tokio::test]
async fn webhooks_are_told_of_each_run_that_came_to_its_end() {
    let site = small_site().await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let hook = json!({ "url": site.url("/hook"), "events": ["source.synced"] });
    let hook = tenant.post("/v1/webhooks", &hook).await.expect(201);
    let hook = format!("/v1/webhooks/{}/deliveries", hook["webhook"]["id"].as_str().unwrap());
    let path = scheduled(&tenant, &site).await;
    let source = path.rsplit('/').next().unwrap();
    for (page, state) in [
        (Page::html("Start", &[], "All that there is."), "completed"),
        (Page::status(404), "failed"),
    ] {
        site.put("/", page);
        let run = sync(&tenant, source).await;
        assert_eq!(run["run"]["state"], state);
        let statement = "select payload from app.webhook_deliveries where event = 'source.synced' order by delivery_id desc limit 1";
        let payload: String =
            sqlx::query_scalar(statement).fetch_one(&app.database.admin()).await.unwrap();
        let told: Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(told["type"], "source.synced");
        let data = &told["data"];
        assert_eq!((&data["source_id"], &data["run_id"]), (&json!(source), &run["run"]["id"]));
        assert_eq!((&data["state"], &data["new"]), (&json!(state), &run["run"]["counts"]["new"]));
        assert!(!payload.contains("127.0.0.1"), "{payload}");
    }
    let page = tenant.get(&hook).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
}

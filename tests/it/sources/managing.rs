//! Who sees and changes a source: whoever reaches its collection, and nobody else.

use serde_json::{Value, json};

use super::site::{Page, Site};
use super::{app, ask, crawl, source, sync};
use crate::api::problem;
use crate::support::eventually;

#[tokio::test]
async fn a_source_belongs_to_its_collection() {
    let site = Site::start(&[("/", Page::html("Start", &[], "All that there is."))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let made = tenant.post("/v1/collections", &json!({ "name": "closed" })).await.expect(201);
    let closed = made["id"].as_str().unwrap();
    let made = tenant.post("/v1/collections", &json!({ "name": "open" })).await.expect(201);
    let open = made["id"].as_str().unwrap();
    let body = |collection: &str| json!({ "name": "docs", "collection_id": collection, "configuration": crawl(&site, "/") });
    let made = tenant.post("/v1/sources", &body(closed)).await.expect(201);
    assert_eq!((&made["collection_id"], &made["state"]), (&json!(closed), &json!("active")));
    let hidden = format!("/v1/sources/{}", made["id"].as_str().unwrap());
    let run = sync(&tenant, made["id"].as_str().unwrap()).await;
    let run = format!("{hidden}/runs/{}", run["run"]["id"].as_str().unwrap());
    let key = json!({ "name": "narrow", "role": "editor", "collection_ids": [open] });
    let key = tenant.post("/v1/api_keys", &key).await.expect(201);
    let narrow = tenant.with_key(key["secret"].as_str().unwrap());
    assert!(narrow.get("/v1/sources").await.expect(200)["items"].as_array().unwrap().is_empty());
    for path in [&hidden, &run, &format!("{hidden}/runs")] {
        problem(&narrow.get(path).await, 404, "not_found");
    }
    problem(&narrow.patch(&hidden, &json!({ "name": "mine" })).await, 404, "not_found");
    problem(&narrow.delete(&hidden).await, 404, "not_found");
    problem(&narrow.post(&format!("{hidden}/sync"), &Value::Null).await, 404, "not_found");
    problem(&narrow.post(&format!("{run}/cancel"), &Value::Null).await, 404, "not_found");
    problem(&narrow.post("/v1/sources", &body(closed)).await, 404, "not_found");
    narrow.post("/v1/sources", &body(open)).await.expect(201);
    let filtered = format!("/v1/sources?collection_id={open}");
    assert_eq!(tenant.get(&filtered).await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(tenant.get("/v1/sources").await.expect(200)["items"].as_array().unwrap().len(), 2);
    // A collection takes its sources with it.
    tenant.delete(&format!("/v1/collections/{closed}")).await.expect(204);
    problem(&tenant.get(&hidden).await, 404, "not_found");
}

#[tokio::test]
async fn where_a_source_is_read_stays_as_it_is_while_a_run_goes_on() {
    let site = Site::start(&[("/docs/", Page::html("Start", &[], "All that there is."))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let before = crawl(&site, "/docs/");
    let id = source(&tenant, &before).await;
    let path = format!("/v1/sources/{id}");
    let mut other = before.clone();
    other["exclude"] = json!(["/docs/old/"]);
    let change = json!({ "configuration": other });
    site.hold();
    let run = ask(&tenant, &id).await;
    let refused = problem(&tenant.patch(&path, &change).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("cancel"), "{refused}");
    // What is no change of it may be asked for.
    let same = json!({ "configuration": before, "name": "Guide" });
    let shown = tenant.patch(&path, &same).await.expect(200);
    assert_eq!((&shown["name"], shown["configuration"].get("exclude")), (&json!("Guide"), None));
    site.wait(1).await;
    tenant.post(&format!("{path}/runs/{run}/cancel"), &Value::Null).await.expect(200);
    // The worker may still bring in the page that it waits for.
    problem(&tenant.patch(&path, &change).await, 409, "conflict");
    site.open();
    eventually("the worker lets go", || async { tenant.patch(&path, &change).await.status == 200 })
        .await;
    assert_eq!(tenant.get(&path).await.expect(200)["configuration"], other);
}

#[tokio::test]
async fn beginnings_of_paths_are_written_as_addresses_are() {
    let site = Site::start(&[
        ("/%C3%BCbung/", Page::html("Start", &["a%20b/1", "/%C3%BCbung/c"], "Begin here.")),
        ("/%C3%BCbung/a%20b/1", Page::html("One", &[], "Left out.")),
        ("/%C3%BCbung/c", Page::html("C", &[], "Not left out.")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let mut configuration = crawl(&site, "/\u{fc}bung/");
    configuration["path_prefix"] = json!("/\u{fc}bung");
    configuration["exclude"] = json!(["/\u{fc}bung/a b/"]);
    let id = source(&tenant, &configuration).await;
    let shown = tenant.get(&format!("/v1/sources/{id}")).await.expect(200);
    assert_eq!(shown["configuration"]["path_prefix"], "/%C3%BCbung");
    assert_eq!(shown["configuration"]["exclude"], json!(["/%C3%BCbung/a%20b/"]));
    let run = sync(&tenant, &id).await;
    assert_eq!(super::counts(&run), [2, 2, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_changed_of_a_source_is_shown_and_noted() {
    let site = Site::start(&[("/", Page::html("Start", &[], "All that there is."))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let id = source(&tenant, &crawl(&site, "/")).await;
    let path = format!("/v1/sources/{id}");
    let change = json!({ "name": "Guide", "every_minutes": 60, "paused": true });
    let shown = tenant.patch(&path, &change).await.expect(200);
    assert_eq!((&shown["name"], &shown["state"]), (&json!("Guide"), &json!("paused")));
    assert!(shown.get("next_run_at").is_none(), "it rests");
    assert_eq!(tenant.get(&path).await.expect(200), shown);
    // The same again is no change.
    assert_eq!(tenant.patch(&path, &change).await.expect(200), shown);
    tenant.post(&format!("{path}/sync"), &Value::Null).await.expect(202);
    super::eventually("it is over", || async { tenant.delete(&path).await.status == 204 }).await;
    let page = tenant.get("/v1/audit_events?limit=100").await.expect(200);
    let actions: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .filter(|action| action.starts_with("source."))
        .collect();
    let mut wanted =
        ["source.created", "source.changed", "source.sync_requested", "source.deleted"].to_vec();
    if actions.first() == Some(&"source.deleted") {
        wanted.reverse();
    }
    assert_eq!(actions, wanted);
}

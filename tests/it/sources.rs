//! Sources of documents: what a site or an archive has comes in, what is gone goes, nothing goes by mistake, and no run is lost.

mod archives;
mod buckets;
mod canonical;
mod crawling;
mod deleting;
mod keeping;
mod limits;
mod managing;
mod schedule;
mod site;
mod sitemaps;
mod steering;
mod stopping;

use std::collections::BTreeMap;
use std::sync::Arc;

use pidima::adapters::models::{ExtractiveModel, ModelRegistry};
use pidima::app::Outside;
use serde_json::{Value, json};

use self::site::Site;
use crate::support::{TestApp, TestTenant, eventually, minilm};

fn settings<'a>(port: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let base = [
        ("PIDIMA_OUTBOUND_ALLOW", "127.0.0.0/8"),
        ("PIDIMA_OUTBOUND_HTTP", "true"),
        ("PIDIMA_OUTBOUND_PORTS", port),
        ("PIDIMA_SOURCE_SWEEP_MS", "20"),
    ];
    [&base[..], more].concat()
}

/// An application that may read a site of the test, with more settings.
async fn app(site: &Site, more: &[(&str, &str)]) -> TestApp {
    let port = site.port.to_string();
    TestApp::start_with(&settings(&port, more), Arc::new(ExtractiveModel)).await
}

/// The same without a worker.
async fn idle_app(site: &Site, more: &[(&str, &str)]) -> TestApp {
    let port = site.port.to_string();
    let models = ModelRegistry::plain(Arc::new(ExtractiveModel));
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    TestApp::start_idle(&settings(&port, more), outside).await
}

/// A crawl that begins at a page.
fn crawl(site: &Site, path: &str) -> Value {
    json!({ "kind": "website", "url": site.url(path), "discovery": "crawl" })
}

/// A source; its id.
async fn source(tenant: &TestTenant, configuration: &Value) -> String {
    let body = json!({ "name": "docs", "configuration": configuration });
    let made = tenant.post("/v1/sources", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Asks for a run; its id.
async fn ask(tenant: &TestTenant, source: &str) -> String {
    let run = tenant.post(&format!("/v1/sources/{source}/sync"), &Value::Null).await.expect(202);
    run["id"].as_str().unwrap().to_owned()
}

async fn show(tenant: &TestTenant, source: &str, run: &str) -> Value {
    tenant.get(&format!("/v1/sources/{source}/runs/{run}")).await.expect(200)
}

/// A run once it is over.
async fn ended(tenant: &TestTenant, source: &str, run: &str) -> Value {
    eventually("the run ends", || async {
        let state = show(tenant, source, run).await["run"]["state"].clone();
        state != "queued" && state != "running"
    })
    .await;
    show(tenant, source, run).await
}

/// Reads a source, and waits for the end.
async fn sync(tenant: &TestTenant, source: &str) -> Value {
    let run = ask(tenant, source).await;
    ended(tenant, source, &run).await
}

/// Seen, new, changed, unchanged, skipped, failed, deleted.
fn counts(run: &Value) -> [i64; 7] {
    ["seen", "new", "changed", "unchanged", "skipped", "failed", "deleted"]
        .map(|name| run["run"]["counts"][name].as_i64().unwrap())
}

/// Why a run is not completed.
fn reason<'a>(run: &'a Value) -> (&'a str, &'a str) {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    (text(&run["run"]["state"]), text(&run["run"]["reason"]["code"]))
}

/// What is told of pages of a run: path and code.
fn noted(run: &Value, site: &Site) -> BTreeMap<String, String> {
    let pages = run["pages"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    pages.map(|page| (text(&page["url"]).replace(&site.url(""), ""), text(&page["code"]))).collect()
}

/// Paths of the documents, sorted, with the number of versions.
async fn documents(tenant: &TestTenant, site: &Site) -> BTreeMap<String, i64> {
    let page = tenant.get("/v1/documents?limit=100").await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    let entry = |item: &Value| {
        let name = item["name"].as_str().unwrap().replace(&site.url(""), "");
        (name, item["version_number"].as_i64().unwrap())
    };
    items.map(entry).collect()
}

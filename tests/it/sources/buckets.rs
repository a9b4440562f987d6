//! Buckets of S3: what the operator has allowed comes in and follows the bucket, and nothing else is read.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use pidima::adapters::models::{ExtractiveModel, ModelRegistry};
use pidima::app::Outside;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::stopping::{AT_ONCE, rest, slice};
use super::{ask, counts, reason, source, sync};
use crate::api::problem;
use crate::aws::StandIn;
use crate::aws::proxy::{Act, FaultProxy};
use crate::support::{TestApp, TestTenant, eventually, minilm};

/// An application that reaches the stand-in, and a bucket there.
async fn place(more: &[(&str, &str)]) -> (TestApp, String) {
    let stand_in = StandIn::shared().await;
    let (app, bucket) = idle_place(&stand_in.address, more).await;
    app.start_worker();
    (app, bucket)
}

/// The same without a worker, by way of an address.
async fn idle_place(address: &str, more: &[(&str, &str)]) -> (TestApp, String) {
    let base = [
        ("AWS_REGION", crate::aws::REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", address),
    ];
    let models = ModelRegistry::plain(Arc::new(ExtractiveModel));
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    let app = Box::pin(TestApp::start_idle(&[&base[..], more].concat(), outside)).await;
    (app, StandIn::shared().await.bucket().await)
}

async fn put(bucket: &str, key: &str, text: &str) {
    let body = text.as_bytes().to_vec().into();
    let request = StandIn::shared().await.s3().put_object().bucket(bucket).key(key).body(body);
    request.send().await.unwrap();
}

async fn take_away(bucket: &str, key: &str) {
    let request = StandIn::shared().await.s3().delete_object().bucket(bucket).key(key);
    request.send().await.unwrap();
}

/// Runs a command of the operator; what it printed, or why it failed.
fn command(app: &TestApp, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("tenant")
        .args(arguments)
        .env("DATABASE_URL", app.database.app_url())
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn allow(app: &TestApp, slug: &str, bucket: &str, prefix: &str) {
    command(app, &["allow-bucket", slug, bucket, "--prefix", prefix]).unwrap();
}

fn objects(bucket: &str, prefix: &str) -> Value {
    json!({ "kind": "s3", "bucket": bucket, "prefix": prefix })
}

async fn documents(tenant: &TestTenant) -> BTreeMap<String, i64> {
    let page = tenant.get("/v1/documents?limit=100").await.expect(200);
    let entry = |item: &Value| {
        (item["name"].as_str().unwrap().to_owned(), item["version_number"].as_i64().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(entry).collect()
}

fn noted(run: &Value) -> BTreeMap<String, String> {
    let pages = run["pages"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    pages.map(|page| (text(&page["url"]), text(&page["code"]))).collect()
}

async fn refused(tenant: &TestTenant, configuration: Value) -> Value {
    let body = json!({ "name": "docs", "configuration": configuration });
    problem(&tenant.post("/v1/sources", &body).await, 422, "validation_failed")
}

#[tokio::test]
async fn objects_come_in_and_the_next_run_takes_what_changed_and_deletes_what_is_gone() {
    let (app, bucket) = place(&[]).await;
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    for name in ["docs/a.md", "docs/deep/b.md", "docs/c.md", "docs/logo.png", "docs/folder/"] {
        put(&bucket, name, &format!("# {name}\n\nIt stands in {name}.")).await;
    }
    put(&bucket, "secret/d.md", "# Secret\n\nNot for acme.").await;
    let source = source(&tenant, &objects(&bucket, "docs/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 3, 0, 0, 0, 0, 0]), "{run}");
    let names: Vec<String> = documents(&tenant).await.into_keys().collect();
    assert_eq!(names, ["a.md", "c.md", "deep/b.md"]);
    let read = run["run"]["bytes_read"].as_i64().unwrap();
    assert!(read > 0);

    put(&bucket, "docs/a.md", "# a\n\nIt is told in other words.").await;
    put(&bucket, "docs/e.md", "# e\n\nA new one.").await;
    take_away(&bucket, "docs/c.md").await;
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 1, 1, 1, 0, 0, 1]), "{run}");
    let found = documents(&tenant).await;
    assert_eq!((found.len(), found["a.md"], found["deep/b.md"]), (3, 2, 1));
    // What has not changed is not sent again.
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 0, 0, 3, 0, 0, 0]));
    assert_eq!(run["run"]["bytes_read"], 0);
}

#[tokio::test]
async fn a_bucket_that_lists_more_than_one_page_is_listed_whole() {
    let (app, bucket) = place(&[("PIDIMA_SOURCE_MAX_PAGES", "2000")]).await;
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    let keys: Vec<String> = (0..1_100).map(|number| format!("docs/{number:04}.png")).collect();
    for some in keys.chunks(50) {
        futures_util::future::join_all(some.iter().map(|key| put(&bucket, key, "x"))).await;
    }
    put(&bucket, "docs/z.md", "# z\n\nThe last of all.").await;
    let source = source(&tenant, &objects(&bucket, "docs/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)[1]), (("completed", ""), 1), "{run}");

    // A list that takes longer than a run may is not gone through to its end.
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    let (app, _) = idle_place(&proxy.url, &[("PIDIMA_SOURCE_MAX_RUN_MS", "1")]).await;
    app.start_worker();
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    let id = source_of(&tenant, &bucket).await;
    let run = sync(&tenant, &id).await;
    assert_eq!((reason(&run), counts(&run)[0]), (("partial", "time_limit"), 0), "{run}");
    assert_eq!(proxy.count(|seen| seen.line.contains("list-type=2")), 1);
}

async fn source_of(tenant: &TestTenant, bucket: &str) -> String {
    source(tenant, &objects(bucket, "docs/")).await
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_holds_up_no_stop_and_its_objects_have_not_failed() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    let more = [("PIDIMA_SOURCE_MAX_ATTEMPTS", "1"), ("PIDIMA_SOURCE_STOP_GRACE_MS", "1")];
    let (app, bucket) = idle_place(&proxy.url, &more).await;
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    put(&bucket, "docs/a.md", "# a\n\nThe pump runs at night.").await;
    put(&bucket, "docs/b.md", "# b\n\nThe valve is shut by day.").await;
    let source = source_of(&tenant, &bucket).await;
    let id = ask(&tenant, &source).await;
    let run = id.parse().unwrap();
    for what in ["list-type=2", "docs/a.md"] {
        proxy.on(move |seen| if seen.line.contains(what) { Act::Hang } else { Act::Pass });
        for _ in 0..2 {
            proxy.take();
            let stop = CancellationToken::new();
            let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
                let is_asked = || proxy.count(|seen| seen.line.contains(what)) > 0;
                eventually("S3 is asked", || async { is_asked() }).await;
                stop.cancel();
            });
            assert_eq!(outcome, AT_ONCE);
        }
    }
    proxy.pass();
    let ended = rest(&app, &tenant, &source, &id).await;
    assert_eq!((reason(&ended), counts(&ended)), (("completed", ""), [2, 2, 0, 0, 0, 0, 0]));
}

#[tokio::test]
async fn nothing_is_read_but_what_the_operator_has_allowed_for_the_tenant() {
    let (app, bucket) = place(&[]).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    put(&bucket, "acme/a.md", "# A\n\nFor acme.").await;
    put(&bucket, "acme-secret/b.md", "# B\n\nNot for acme.").await;
    let told = refused(&tenant, objects(&bucket, "acme/")).await;
    assert!(told.to_string().contains("operator"), "{told}");
    allow(&app, "acme", &bucket, "acme/");
    for prefix in ["acme-secret/", "ac/", "other/", "/acme/", "../acme/"] {
        refused(&tenant, objects(&bucket, prefix)).await;
    }
    refused(&tenant, json!({ "kind": "s3", "bucket": bucket })).await;
    refused(&tenant, objects("another-bucket", "acme/")).await;
    refused(&other, objects(&bucket, "acme/")).await;
    let id = source(&tenant, &objects(&bucket, "acme/")).await;
    assert_eq!(counts(&sync(&tenant, &id).await)[1], 1);
    let path = format!("/v1/sources/{id}");
    let change = json!({ "configuration": objects(&bucket, "acme-secret/") });
    problem(&tenant.patch(&path, &change).await, 422, "validation_failed");
    let deeper = json!({ "configuration": objects(&bucket, "acme/deeper/") });
    tenant.patch(&path, &deeper).await.expect(200);
    tenant.patch(&path, &json!({ "configuration": objects(&bucket, "acme/") })).await.expect(200);
    // What is taken back is read no more, and its documents stay.
    command(&app, &["forbid-bucket", "acme", &bucket, "--prefix", "acme/"]).unwrap();
    let run = sync(&tenant, &id).await;
    assert_eq!(reason(&run), ("failed", "bucket_not_allowed"));
    assert_eq!(documents(&tenant).await.len(), 1);
}

#[tokio::test]
async fn the_bucket_of_the_originals_is_nobodys() {
    let own = StandIn::shared().await.bucket().await;
    let settings = [("PIDIMA_OBJECTS", "s3"), ("PIDIMA_OBJECTS_S3_BUCKET", own.as_str())];
    let (app, _) = place(&settings).await;
    let tenant = app.tenant("acme").await;
    // Though a command that did not know of it has allowed it.
    command(&app, &["allow-bucket", "acme", &own, "--whole"]).unwrap();
    refused(&tenant, json!({ "kind": "s3", "bucket": own })).await;
    refused(&tenant, objects(&own, &format!("t/{}/", tenant.id))).await;
}

#[tokio::test]
async fn commands_of_the_operator_allow_list_and_take_back_and_are_noted() {
    let (app, bucket) = place(&[]).await;
    let tenant = app.tenant("acme").await;
    let region = ["--region", "eu-west-1", "--owner-account", "123456789012"];
    let narrow = ["allow-bucket", "acme", &bucket, "--prefix", "docs/"];
    command(&app, &[&narrow[..], &region[..]].concat()).unwrap();
    command(&app, &["allow-bucket", "acme", &bucket, "--whole"]).unwrap();
    let listed = command(&app, &["list-buckets", "acme"]).unwrap();
    let wanted =
        format!("{bucket}/  own region  any account\n{bucket}/docs/  eu-west-1  123456789012\n");
    assert_eq!(listed, wanted);
    for bad in [
        &["allow-bucket", "acme", &bucket][..],
        &["allow-bucket", "acme", &bucket, "--prefix", "docs"],
        &["allow-bucket", "acme", &bucket, "--prefix", "docs/", "--whole"],
        &["allow-bucket", "acme", "No-Bucket", "--whole"],
        &["allow-bucket", "acme", &bucket, "--whole", "--region", "evil.example/"],
        &["allow-bucket", "acme", &bucket, "--whole", "--owner-account", "12"],
        &["allow-bucket", "nobody", &bucket, "--whole"],
        &["forbid-bucket", "acme", &bucket, "--prefix", "other/"],
    ] {
        assert!(command(&app, bad).is_err(), "{bad:?}");
    }
    command(&app, &["forbid-bucket", "acme", &bucket, "--whole"]).unwrap();
    assert_eq!(command(&app, &["list-buckets", "acme"]).unwrap().lines().count(), 1);
    let entries = tenant.get("/v1/audit_events?limit=100").await.expect(200);
    let entries = entries["items"].as_array().unwrap().clone();
    let count = |action: &str| entries.iter().filter(|it| it["action"] == action).count();
    assert_eq!((count("bucket.allowed"), count("bucket.forbidden")), (2, 1));
}

#[tokio::test]
async fn objects_are_as_many_as_long_and_their_paths_as_long_as_the_limits() {
    let text = "x".repeat(100);
    for (name, limit, told) in [
        ("PIDIMA_SOURCE_MAX_FILE_BYTES", "101", None),
        ("PIDIMA_SOURCE_MAX_FILE_BYTES", "100", None),
        ("PIDIMA_SOURCE_MAX_FILE_BYTES", "99", Some("file_too_long")),
        ("PIDIMA_SOURCE_MAX_PATH_BYTES", "9", None),
        ("PIDIMA_SOURCE_MAX_PATH_BYTES", "8", Some("path_too_long")),
        ("PIDIMA_SOURCE_MAX_PATH_DEPTH", "2", None),
        ("PIDIMA_SOURCE_MAX_PATH_DEPTH", "1", Some("path_too_deep")),
    ] {
        let (app, bucket) = place(&[(name, limit)]).await;
        let tenant = app.tenant("acme").await;
        allow(&app, "acme", &bucket, "docs/");
        put(&bucket, "docs/one/ab.md", &text).await;
        put(&bucket, "docs/b.md", "The valve.").await;
        let source = source(&tenant, &objects(&bucket, "docs/")).await;
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{name} {limit}");
        assert_eq!(noted(&run).get("one/ab.md").map(String::as_str), told, "{name} {limit}");
    }
    for (limit, state) in
        [("3", ("completed", "")), ("2", ("completed", "")), ("1", ("partial", "page_limit"))]
    {
        let (app, bucket) = place(&[("PIDIMA_SOURCE_MAX_PAGES", limit)]).await;
        let tenant = app.tenant("acme").await;
        allow(&app, "acme", &bucket, "docs/");
        put(&bucket, "docs/a.md", "The pump.").await;
        put(&bucket, "docs/b.md", "The valve.").await;
        let source = source(&tenant, &objects(&bucket, "docs/")).await;
        assert_eq!(reason(&sync(&tenant, &source).await), state, "{limit}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_away_or_not_there_deletes_nothing() {
    let (app, bucket) = place(&[]).await;
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    allow(&app, "acme", "pidima-none-of-this-name", "docs/");
    put(&bucket, "docs/a.md", "The pump.").await;
    let id = source(&tenant, &objects(&bucket, "docs/")).await;
    assert_eq!(counts(&sync(&tenant, &id).await)[1], 1);
    let change = json!({ "configuration": objects("pidima-none-of-this-name", "docs/") });
    tenant.patch(&format!("/v1/sources/{id}"), &change).await.expect(200);
    assert_eq!(reason(&sync(&tenant, &id).await), ("failed", "bucket_missing"));
    // And one that lists nothing.
    let empty = json!({ "configuration": objects(&bucket, "docs/none/") });
    tenant.patch(&format!("/v1/sources/{id}"), &empty).await.expect(200);
    assert_eq!(reason(&sync(&tenant, &id).await), ("failed", "nothing_found"));
    assert_eq!(documents(&tenant).await.len(), 1);
}

#[tokio::test]
async fn a_document_that_somebody_uploaded_stays_theirs_and_keeps_no_run_from_its_end() {
    let (app, bucket) = place(&[]).await;
    let tenant = app.tenant("acme").await;
    allow(&app, "acme", &bucket, "docs/");
    let text = "# a\n\nThe pump runs at night.";
    put(&bucket, "docs/a.md", text).await;
    put(&bucket, "docs/b.md", "# b\n\nThe valve is shut by day.").await;
    tenant.upload("a.md", text).await.expect(202);
    let source = source_of(&tenant, &bucket).await;
    for object in [Some(text), Some("# a\n\nIt is told in other words."), None] {
        match object {
            Some(text) => put(&bucket, "docs/a.md", text).await,
            None => take_away(&bucket, "docs/a.md").await,
        }
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        let told = noted(&run).get("a.md").cloned();
        assert_eq!(told.as_deref(), object.map(|_| "name_taken"));
        assert_eq!(documents(&tenant).await["a.md"], 1);
    }
    // One of the source's own that was deleted for another.
    let page = tenant.get("/v1/documents?limit=100").await.expect(200);
    let ours = page["items"].as_array().unwrap().iter().find(|it| it["name"] == "b.md").unwrap();
    let path = format!("/v1/documents/{}", ours["id"].as_str().unwrap());
    tenant.delete(&path).await.expect(204);
    tenant.upload("b.md", "# Other\n\nIt is somebody's.").await.expect(202);
    put(&bucket, "docs/c.md", "# c\n\nA third one.").await;
    for _ in 0..2 {
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(noted(&run)["b.md"], "name_taken");
    }
}

//! Canaries: every text of a tenant holds its mark, both tenants do everything at once, and nothing that leaves the
//! service, nor anything that it keeps, holds the mark of the other.

mod planted;
mod scan;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pidima::adapters::models::{ChatModel, ExtractiveModel, ModelError, ModelStream, Prompt, Turn};
use pidima::db::analysts;
use pidima::telemetry::{SampleRatio, TRACED, TraceSettings, Traces, metrics};
use reqwest::Method;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use self::scan::{Log, Scan};
use crate::analysts::script;
use crate::api::isolation::words::Marked;
use crate::api::operations::{Body, PERSONAL, operations};
use crate::api::things::{Things, ready_reembedding};
use crate::attachments::attach;
use crate::dumps::dump;
use crate::support::{TestApp, TestTenant, eventually, minilm};
use crate::telemetry::collector::Collector;
use crate::uploads::begin;

/// The real model, which keeps what reached it.
#[derive(Default)]
struct Recorder {
    prompts: Mutex<Vec<String>>,
}

#[async_trait]
impl ChatModel for Recorder {
    fn provider(&self) -> &'static str {
        "recorder"
    }

    fn model(&self) -> &'static str {
        "recorder-1"
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        self.prompts.lock().unwrap().push(format!("{prompt:?}"));
        ExtractiveModel.answer(prompt).await
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        self.prompts.lock().unwrap().push(format!("{history:?} {question}"));
        ExtractiveModel.standalone_question(history, question).await
    }
}

/// Marks what no operation can name yet.
async fn mark_people(app: &TestApp, marked: &Marked) {
    let admin = app.database.admin();
    for sql in [
        "update app.tenants set name = $1 where tenant_id = $2",
        "insert into app.groups (tenant_id, group_id, name) values ($2, gen_random_uuid(), $1)",
        "insert into app.invitations (tenant_id, invitation_id, email, role, secret_sha256, expires_at)
        values ($2, gen_random_uuid(), $1 || '@example.com', 'member', decode(repeat('00', 32), 'hex'), now())",
    ] {
        // What the database driver says of slow statements holds their text and no values.
        let statement = sqlx::query(sql).bind(marked.word).bind(marked.tenant.id.uuid());
        statement.execute(&admin).await.unwrap();
    }
}

async fn things(marked: &Marked) -> Things {
    let [_, collection, document, key, session, message] = &marked.ids[..] else { panic!() };
    let text = format!("# Valve {0}\n\nThe valve {0} opens at 5 bar.\n", marked.word);
    let attached = attach(&marked.tenant, session, &format!("{}.md", marked.word), &text).await;
    Things {
        attachment_id: attached["id"].as_str().unwrap().to_owned(),
        api_key_id: key.clone(),
        collection_id: collection.clone(),
        document_id: document.clone(),
        session_id: session.clone(),
        message_id: message.clone(),
        reembedding_id: ready_reembedding(&marked.tenant, collection).await,
        ..Things::make(&marked.tenant, &marked.tenant).await
    }
}

/// Every operation by one tenant: on its own things, and on those of the other, which it must not find.
async fn walk(app: &TestApp, scan: &Scan, own: &Marked, other: &Marked) {
    let (of_own, of_other) = (things(own).await, things(other).await);
    let mut all = operations();
    // A key is no person, and has no login of its own.
    all.retain(|operation| !PERSONAL.contains(&operation.id));
    // What the others need is deleted last; what is in something before that.
    all.sort_by_key(|operation| {
        let depth = std::cmp::Reverse(operation.path.matches('/').count());
        (operation.method == "DELETE", depth, operation.id == "delete_collection")
    });
    // One that was completed is deleted by nobody.
    let upload = begin(&own.tenant, own.word, own.word.len()).await;
    let upload_id = upload["id"].as_str().unwrap().to_owned();
    // One that is being brought in either.
    let dump_id = dump(&own.tenant, &of_own.collection_id).await;
    let begun = Things { upload_id, dump_id, ..of_own.clone() };
    for operation in all {
        let is_of_begun = ["delete_upload", "delete_dump"].contains(&operation.id);
        let of_own = if is_of_begun { &begun } else { &of_own };
        for accept in ["application/json", "text/event-stream"] {
            let asks =
                operation.path.ends_with("/messages") || operation.path.ends_with("/answers");
            let streams = asks && matches!(operation.body, Body::Json(_));
            if accept == "text/event-stream" && !streams {
                continue;
            }
            let kind = if accept == "application/json" { "responses" } else { "events" };
            let request = operation.request(app, of_own).bearer_auth(&own.tenant.key);
            let reply = own.tenant.send(request.header("accept", accept)).await;
            assert!(reply.status.is_success(), "{}: {}", operation.id, reply.text());
            let what = format!("{} {accept}", operation.id);
            scan.look(kind, &what, &format!("{:?}", reply.headers), &[other.word]);
            scan.look(kind, &what, &reply.text(), &[other.word]);
        }
        if operation.method != "DELETE" || operation.path.contains('{') {
            let request = operation.request(app, &of_other).bearer_auth(&own.tenant.key);
            let reply = own.tenant.send(request).await;
            scan.look("responses about foreign ids", operation.id, &reply.text(), &[other.word]);
        }
    }
}

async fn pages(app: &TestApp, scan: &Scan, tenant: &TestTenant, marks: &[&str]) {
    for path in ["/", "/healthz", "/readyz", "/problems", "/docs", "/openapi.json", "/nowhere"] {
        let reply = tenant
            .send(reqwest::Client::new().request(Method::GET, format!("{}{path}", app.url)))
            .await;
        scan.look("pages", path, &reply.text(), marks);
    }
}

/// Every span, as fast as may be.
fn every_span_to(collector: &Collector) -> TraceSettings {
    TraceSettings {
        endpoint: collector.url.parse().unwrap(),
        headers: "".parse().unwrap(),
        service: "canaries".to_owned(),
        ratio: SampleRatio::ALL,
        queue_spans: 100_000,
        batch_spans: 512,
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(10),
        flush: Duration::from_secs(10),
    }
}

/// All that the collector was told until now.
async fn spans(collector: &Collector) -> String {
    let last = uuid::Uuid::new_v4().to_string();
    drop(tracing::info_span!(target: TRACED, "last", mark = %last));
    eventually("the last span is told", || async {
        collector.spans().iter().any(|told| told.attribute("mark").as_ref() == Some(&last))
    })
    .await;
    format!("{:?}", collector.spans())
}

#[tokio::test]
async fn nothing_that_leaves_the_service_or_stays_in_it_holds_the_mark_of_another_tenant() {
    let log = Log::default();
    let filter = tracing_subscriber::EnvFilter::new("debug,pidima=trace");
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone());
    let collector = Collector::start().await;
    let traces = Traces::start(&every_span_to(&collector)).unwrap();
    let layers = vec![traces.layer(), layer.with_filter(filter).boxed()];
    let subscriber = tracing_subscriber::registry().with(layers);
    // One thread serves, works and asks: what it logs is ours alone.
    let guard = tracing::subscriber::set_default(subscriber);

    let model = Arc::new(Recorder::default());
    let outside = pidima::app::Outside {
        embedder: Arc::new(minilm().await),
        models: Arc::clone(&model).into(),
    };
    let app = TestApp::start_outside(&[], outside).await;
    let scan = Scan::default();
    let one = Marked::make(&app, "canary-one", "zarquonite").await;
    let two = Marked::make(&app, "canary-two", "quibblefax").await;
    let marks = [one.word, two.word];
    for (marked, slug) in [(&one, "canary-one"), (&two, "canary-two")] {
        mark_people(&app, marked).await;
        let login =
            analysts::grant(&app.database.admin_url(), marked.tenant.id, slug, 1).await.unwrap();
        let foreign: Vec<&str> = marks.into_iter().filter(|word| *word != marked.word).collect();
        for view in
            ["sessions", "messages", "answers", "citations", "retrievals", "documents_by_use"]
        {
            let told = script(&login, &format!("select v from analytics.{view} v;")).await;
            assert!(told.len() > 20, "{view}: {told}");
            scan.look("views of analysts", view, &told, &foreign);
        }
        for (what, text) in marked.everything().await {
            scan.look("responses", &what, &text, &foreign);
        }
    }
    let forbidden = [(one.tenant.id, two.word), (two.tenant.id, one.word)];
    // Before the walk deletes what it can, and after it.
    scan::rows(&app, &scan, &forbidden).await;
    scan::objects(&app, &scan, &forbidden);
    // Work that waits while both are busy.
    let (rows, ()) = tokio::join!(scan::queue(&app), async {
        tokio::join!(walk(&app, &scan, &one, &two), walk(&app, &scan, &two, &one));
    });
    scan.look("queue", "jobs and outbox", &rows, &marks);
    pages(&app, &scan, &one.tenant, &marks).await;
    for prompt in model.prompts.lock().unwrap().iter() {
        // A prompt belongs to whoever asked: with the mark of one it must not hold that of the other.
        let of_two = prompt.contains(two.word);
        scan.look("prompts", "prompt", prompt, if of_two { &marks[..1] } else { &marks[1..] });
    }
    scan::rows(&app, &scan, &forbidden).await;
    scan::valkey(&scan, &forbidden).await;
    let logged = log.text();
    assert!(logged.lines().count() > 50, "{logged}");
    scan.look("logs", "log", &logged, &marks);
    scan.look("traces", "span", &spans(&collector).await, &marks);
    scan.look("metrics", "page", &metrics::page().unwrap(), &marks);
    scan.print();
    assert_eq!(scan.faults(), Vec::<String>::new());
    assert!(scan.has_seen(&[
        "responses",
        "events",
        "prompts",
        "queue",
        "objects",
        "object keys",
        "rows",
        "logs",
        "traces",
        "metrics"
    ]));
    for operation in operations().iter().filter(|operation| !PERSONAL.contains(&operation.id)) {
        let name = format!("{} {}", operation.method, operation.id);
        assert!(collector.spans().iter().any(|told| told.span.name == name), "{name} has no span");
    }

    // The same eyes see a mark that was put where it must not be: in a row, a response, the log, a span and a metric.
    let path = "/v1/collections";
    let planted = serde_json::json!({ "name": "planted", "description": two.word });
    one.tenant.post(path, &planted).await.expect(201);
    scan.look("responses", "planted", &one.tenant.get(path).await.text(), &[two.word]);
    scan::rows(&app, &scan, &[(one.tenant.id, two.word)]).await;
    tracing::info!(question = two.word, "planted");
    scan.look("logs", "planted", &log.text(), &marks);
    drop(tracing::info_span!(target: TRACED, "planted", question = two.word));
    scan.look("traces", "planted", &spans(&collector).await, &marks);
    // A word that no other test looks for: the page is that of the process.
    metrics::metrics().request("plantedquince", 200, 0.01);
    scan.look("metrics", "planted", &metrics::page().unwrap(), &["plantedquince"]);
    let found = scan.faults();
    for kind in ["responses", "rows", "logs", "traces", "metrics"] {
        assert!(found.iter().any(|fault| fault.starts_with(kind)), "{kind}: {found:?}");
    }
    drop(guard);
}

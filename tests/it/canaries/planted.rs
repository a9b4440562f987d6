//! The watch over all tests finds a mark wherever it is put.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use pidima::adapters::queue::Message;
use pidima::kernel::ids::new_id;

use crate::support::{TestApp, TestTenant, services};

const OF_ONE: &str = "# Pumps\n\nThe zarquonite pump of hall seven runs at night.\n";
const OF_TWO: &str = "# Fans\n\nThe quibblefax fan of the north wing stands still.\n";
/// What only the second tenant says.
const MARK: &str = "the quibblefax fan of the north wing stands still";

async fn start() -> (TestApp, TestTenant, TestTenant, String) {
    let redis = services().valkey.unwrap();
    let app = TestApp::start_with(&[("PIDIMA_REDIS_URL", &redis)], Arc::new(ExtractiveModel)).await;
    let (one, two) = (app.tenant("watched-one").await, app.tenant("watched-two").await);
    one.learn("a.md", OF_ONE).await;
    let document = two.learn("b.md", OF_TWO).await;
    assert_eq!(two.ask("Which fan stands still?").await["outcome"], "answered");
    (app, one, two, document["id"].as_str().unwrap().to_owned())
}

/// Kinds of places in which marks are found now.
async fn kinds(app: &TestApp) -> Vec<&'static str> {
    let found = app.watch.look().await;
    let mut kinds: Vec<&str> = found.iter().map(|finding| finding.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn a_mark_is_found_wherever_it_is_put() {
    let (app, one, _two, document) = start().await;
    assert_eq!(kinds(&app).await, Vec::<&str>::new());

    // A row, from which a response comes.
    let sql = "insert into app.collections (tenant_id, collection_id, name, description)
        values ($1, gen_random_uuid(), 'planted', 'The quibblefax fan of the north wing stands still.')";
    let (admin, tenant) = (app.database.admin(), one.id.uuid());
    sqlx::query(sql).bind(tenant).execute(&admin).await.unwrap();
    assert_eq!(kinds(&app).await, ["rows"]);
    one.get("/v1/collections").await.expect(200);
    assert_eq!(kinds(&app).await, ["responses", "rows"]);

    // What is stored beside the database.
    let folder = app.objects.join("t").join(one.id.to_string()).join("versions");
    std::fs::write(folder.join("planted"), OF_TWO).unwrap();
    std::fs::write(folder.join(&document), "an id in a key").unwrap();
    let client = redis::Client::open(services().valkey.unwrap()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("planted:{}", one.id);
    let set = redis::cmd("SET").arg(&key).arg(MARK).arg("PX").arg(60_000).to_owned();
    set.query_async::<()>(&mut redis).await.unwrap();

    // What goes out: to a model, a queue, the log.
    one.ask("Which pump of hall seven runs at night?").await;
    let question = "Which pump of hall seven runs at night?".to_owned();
    app.watch.prompted(question, OF_TWO.to_owned());
    app.watch.embedded(format!("{OF_ONE}{OF_TWO}"));
    app.watch.queued(&[Message {
        message_id: new_id(),
        kind: "planted".to_owned(),
        tenant: one.id,
        subject_id: document.parse().unwrap(),
    }]);
    tracing::info!(question = OF_TWO, "planted");
    let all = [
        "cache",
        "log lines",
        "object keys",
        "objects",
        "prompts",
        "queue messages",
        "responses",
        "rows",
        "texts to embed",
    ];
    assert_eq!(kinds(&app).await, all);
    app.watch.end();
    let del = redis::cmd("DEL").arg(&key).to_owned();
    del.query_async::<()>(&mut redis).await.unwrap();
}

#[tokio::test]
async fn a_credential_in_the_log_is_found() {
    let (app, one, _two, _) = start().await;
    tracing::debug!(key = one.key, "planted");
    assert_eq!(kinds(&app).await, ["log lines"]);
    app.watch.end();
}

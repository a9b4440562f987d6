//! The server around the handlers: sockets, stopping, panics, clients that go away, headers.

mod headers;
mod healthcheck;
mod slow_heads;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::{FinishReason, ModelEvent};
use pidima::app::Outside;
use pidima::server::{self, ServerTimes};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::{ProbedEmbedder, Script, ScriptedModel, StreamEvent, TestApp, eventually};

const TEXT: &str = "# Keys\n\nKeys live for 90 days.\n";
/// Events of a burst, and how often it is repeated.
const BURST: usize = 64;
const REPEATS: usize = 20;
/// Well under the 40 ms that a client takes to acknowledge when it has nothing to say. `server::acceptor` tests the
/// option of the socket itself.
const AT_ONCE: Duration = Duration::from_millis(25);

async fn start() -> (TestApp, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    let embedder = ProbedEmbedder::new().await;
    let outside = Outside { embedder, models: Arc::clone(&model).into() };
    (TestApp::start_outside(&[], outside).await, model)
}

/// From the first to the last of the deltas.
fn spread(events: &[StreamEvent]) -> Duration {
    let deltas: Vec<&StreamEvent> = events.iter().filter(|event| event.name == "delta").collect();
    assert_eq!(deltas.len(), BURST);
    deltas[BURST - 1].at - deltas[0].at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_events_arrives_at_once() {
    let (app, model) = start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("a.md", TEXT).await;
    let words: Vec<String> = (0..BURST).map(|number| format!("word{number} ")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    model.on("Burst?", Script::answer(&words, FinishReason::Stop));
    let mut spreads = Vec::new();
    for _ in 0..REPEATS {
        let reader = tenant.follow("/v1/answers", &json!({ "question": "Burst?" })).await;
        spreads.push(spread(&join_spaces(reader.rest().await)));
    }
    spreads.sort_unstable();
    println!("{BURST} events within {:?} (median of {REPEATS})", spreads[REPEATS / 2]);
    // Other tests take the processors meanwhile: the quicker half tells what the socket does.
    assert!(spreads[REPEATS / 4] < AT_ONCE, "{spreads:?}");
}

/// The space behind the last word comes alone, with the end of the answer.
fn join_spaces(mut events: Vec<StreamEvent>) -> Vec<StreamEvent> {
    events.retain(|event| event.name != "delta" || event.data["text"] != " ");
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_finishes_its_streams_and_takes_no_new_connection() {
    let (app, model) = start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("a.md", TEXT).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = app.watch.endpoint(&app.app);
    let stop = CancellationToken::new();
    let times = ServerTimes { shutdown: Duration::from_secs(20), ..app.app.server.times };
    let serving = tokio::spawn(server::serve(listener, endpoint, times, stop.clone()));
    let begun = vec![ModelEvent::Delta("Keys live".to_owned())];
    let rest = vec![
        ModelEvent::Delta(" for 90 days. [1]".to_owned()),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    model.on("How long?", Script::Pause(begun, rest));
    let at = tenant.at(&format!("http://{address}"));
    // A connection that waits for its next request must not hold up the end.
    assert_eq!(at.get("/healthz").await.status, 200);
    let idle = TcpStream::connect(address).await.unwrap();
    let mut reader = at.follow("/v1/answers", &json!({ "question": "How long?" })).await;
    let mut events = vec![reader.next().await.unwrap(), reader.next().await.unwrap()];
    stop.cancel();
    eventually("new connections are refused", || async {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    model.release();
    events.extend(reader.rest().await);
    let last = events.last().unwrap();
    assert_eq!(last.name, "done");
    assert_eq!(last.data["answer"]["content"], "Keys live for 90 days. [1]");
    let began = Instant::now();
    serving.await.unwrap().unwrap();
    println!("stopped {:?} after the last stream", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(10), "idle connections are closed");
    drop(idle);
}

#[tokio::test]
async fn a_handler_that_panics_gives_a_problem_and_the_server_lives() {
    let (app, _) = start().await;
    let tenant = app.tenant("acme").await;
    let fatal = json!({ "query": "make the embedder panic" });
    for _ in 0..3 {
        let reply = tenant.post("/v1/search", &fatal).await;
        assert_eq!(reply.status, 500);
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["code"], "internal");
        assert!(!reply.text().contains("as asked"), "{}", reply.text());
    }
    // Neither does it leave an answer without an end.
    let asked = json!({ "question": "make the embedder panic" });
    let reply = tenant.post("/v1/answers", &asked).await;
    assert_eq!(reply.status, 500);
    let reader = tenant.follow("/v1/answers", &asked).await;
    assert_eq!(reader.rest().await.last().unwrap().name, "error");
    assert_eq!(tenant.post("/v1/search", &json!({ "query": "keys" })).await.status, 200);
}

#[tokio::test]
async fn a_write_goes_on_when_its_client_hangs_up() {
    let (app, _) = start().await;
    let tenant = app.tenant("acme").await;
    let admin = app.database.admin();
    let mut lock = admin.begin().await.unwrap();
    sqlx::raw_sql("lock table app.collections in share row exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    let writer = tenant.clone();
    let request =
        tokio::spawn(
            async move { writer.post("/v1/collections", &json!({ "name": "kept" })).await },
        );
    eventually("the write waits for its lock", || async {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(&admin)
        .await
        .unwrap();
        waiting == 1
    })
    .await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    lock.rollback().await.unwrap();
    eventually("the collection is there", || async {
        tenant.get("/v1/collections").await.expect(200)["items"][0]["name"] == "kept"
    })
    .await;
}

#[tokio::test]
async fn half_an_upload_stores_nothing() {
    let (app, _) = start().await;
    let tenant = app.tenant("acme").await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 9000\r\n\
        content-type: multipart/form-data; boundary=B\r\n\r\n--B\r\ncontent-disposition: form-data; \
        name=\"file\"; filename=\"half.md\"\r\n\r\n# Half\n\nThe first half",
        tenant.key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    drop(socket);
    tenant.learn("whole.md", TEXT).await;
    let documents = tenant.get("/v1/documents").await.expect(200);
    let names: Vec<&str> = documents["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| document["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["whole.md"]);
}

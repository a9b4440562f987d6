//! Clients that send the head of a request slowly, or not at all: cut off in time, and nobody else is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::{ExtractiveModel, FinishReason, ModelEvent};
use pidima::app::Outside;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{Script, ScriptedModel, TestApp, TestTenant, minilm};

/// Time for a head in these tests.
const HEAD: Duration = Duration::from_millis(1_000);
const SETTINGS: [(&str, &str); 1] = [("PIDIMA_HEADER_TIMEOUT_MS", "1000")];
/// Far above that time, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> (TestApp, TestTenant) {
    let app = TestApp::start_with(&SETTINGS, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("slow-heads").await;
    (app, tenant)
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Time until the server closes a connection to which nothing more is sent; it says nothing before.
async fn closed_after(mut socket: TcpStream, began: Instant) -> Duration {
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    drop(read.expect("the server closes the connection"));
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    began.elapsed()
}

/// Reads up to the end of one answer with a length.
async fn answer(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        let count = timeout(PATIENCE, socket.read(&mut byte)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
        let head = String::from_utf8_lossy(&text).to_lowercase();
        let Some((head, body)) = head.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| body.len() == length.parse::<usize>().unwrap()) {
            return String::from_utf8_lossy(&text).into_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_whole_head_is_closed_in_time() {
    let (app, _tenant) = start().await;
    // Nothing at all, and half a head.
    for sent in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let began = Instant::now();
        let mut socket = connect(&app).await;
        socket.write_all(sent.as_bytes()).await.unwrap();
        let took = closed_after(socket, began).await;
        println!("{} bytes of a head: closed after {took:?}", sent.len());
        assert!(took >= HEAD && took < PATIENCE, "{sent:?}: {took:?}");
    }
    // Byte after byte: no byte buys more time.
    let began = Instant::now();
    let socket = connect(&app).await;
    let (reader, mut writer) = socket.into_split();
    let trickle = tokio::spawn(async move {
        writer.write_all(b"GET /healthz HTTP/1.1\r\nx-slow: ").await.unwrap();
        while writer.write_all(b"a").await.is_ok() {
            sleep(HEAD / 20).await;
        }
    });
    let mut reader = reader;
    let mut byte = [0];
    let read = timeout(PATIENCE, reader.read(&mut byte)).await.expect("closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let took = began.elapsed();
    assert!(took >= HEAD && took < PATIENCE, "{took:?}");
    trickle.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_in_pieces_within_its_time_is_answered() {
    let (app, _tenant) = start().await;
    let mut socket = connect(&app).await;
    for piece in ["GET /heal", "thz HTTP/1.1\r\nho", "st: x\r\n", "\r\n"] {
        sleep(HEAD / 20).await;
        socket.write_all(piece.as_bytes()).await.unwrap();
    }
    assert!(answer(&mut socket).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_rests_between_requests_and_has_the_same_time_for_its_next_head() {
    let (app, _tenant) = start().await;
    let mut socket = connect(&app).await;
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for _ in 0..2 {
        socket.write_all(request).await.unwrap();
        assert!(answer(&mut socket).await.starts_with("HTTP/1.1 200"));
        // Longer than a head may take: nobody has begun one.
        sleep(HEAD * 3 / 2).await;
    }
    socket.write_all(&request[..20]).await.unwrap();
    let took = closed_after(socket, Instant::now()).await;
    assert!(took >= HEAD * 9 / 10 && took < PATIENCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_and_an_answer_may_take_longer_than_a_head() {
    let model = Arc::new(ScriptedModel::default());
    let embedder = Arc::new(minilm().await);
    let outside = Outside { embedder, models: Arc::clone(&model).into() };
    let app = TestApp::start_outside(&SETTINGS, outside).await;
    let tenant = app.tenant("slow-bodies").await;
    let body = json!({ "name": "slow" }).to_string();
    let head = format!(
        "POST /v1/collections HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        tenant.key,
        body.len()
    );
    let mut socket = connect(&app).await;
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body.as_bytes()[..5]).await.unwrap();
    sleep(HEAD * 3 / 2).await;
    socket.write_all(&body.as_bytes()[5..]).await.unwrap();
    assert!(answer(&mut socket).await.starts_with("HTTP/1.1 201"));

    tenant.learn("a.md", "# Keys\n\nKeys live for 90 days.\n").await;
    let begun = vec![ModelEvent::Delta("Keys live".to_owned())];
    let rest = vec![
        ModelEvent::Delta(" for 90 days. [1]".to_owned()),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    model.on("How long?", Script::Pause(begun, rest));
    let reader = tenant.follow("/v1/answers", &json!({ "question": "How long?" })).await;
    sleep(HEAD * 3 / 2).await;
    model.release();
    assert_eq!(reader.rest().await.last().unwrap().name, "done");
}

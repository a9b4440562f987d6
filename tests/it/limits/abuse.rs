//! Requests that no good client makes, written to the socket: each gets a definite answer, and none brings the server down.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{TestApp, TestTenant};

/// How long silence is waited for.
const SILENCE: Duration = Duration::from_secs(4);

/// What comes back, until the server closes or falls silent; and whether it closed.
async fn exchange(app: &TestApp, sent: &[u8]) -> (String, bool) {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    // A server that has refused may close before all is written.
    let _written = socket.write_all(sent).await;
    let mut told = Vec::new();
    loop {
        let mut piece = [0; 8_192];
        match timeout(SILENCE, socket.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => return (String::from_utf8_lossy(&told).into_owned(), true),
            Ok(Ok(read)) => told.extend_from_slice(&piece[..read]),
            Err(_) => return (String::from_utf8_lossy(&told).into_owned(), false),
        }
    }
}

/// Statuses of the responses in what came back.
fn statuses(told: &str) -> Vec<u16> {
    let starts = told.split("HTTP/1.1 ").skip(1);
    starts.filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
}

fn search(tenant: &TestTenant, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /v1/search HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\n{headers}\r\n\r\n{body}",
        tenant.key
    )
    .into_bytes()
}

async fn lives(tenant: &TestTenant) {
    assert_eq!(tenant.get("/v1/me").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_two_readers_would_read_differently_are_refused_or_end_the_connection() {
    let app = TestApp::start().await;
    let tenant = app.tenant("smuggling").await;
    let body = "{\"query\":\"pump\"}";
    let hidden = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let cases = [
        (
            "two lengths",
            search(&tenant, &format!("content-length: {}\r\ncontent-length: 3", body.len()), body),
        ),
        (
            "a list of lengths",
            search(&tenant, &format!("content-length: {0}, 3", body.len()), body),
        ),
        (
            "a length with a sign",
            search(&tenant, &format!("content-length: +{}", body.len()), body),
        ),
        (
            "chunked twice removed",
            search(&tenant, "transfer-encoding: chunked, identity", &chunked),
        ),
        ("an unknown coding", search(&tenant, "transfer-encoding: xchunked", &chunked)),
        (
            "a blank before the colon",
            search(&tenant, &format!("content-length : {}", body.len()), body),
        ),
        (
            "a folded line",
            search(&tenant, &format!("x-a: 1\r\n b\r\ncontent-length: {}", body.len()), body),
        ),
        (
            "a bad size of a chunk",
            search(&tenant, "transfer-encoding: chunked", "zz\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "a chunk of 2^64",
            search(&tenant, "transfer-encoding: chunked", "10000000000000000\r\nx"),
        ),
    ];
    for (what, sent) in cases {
        let (told, closed) = exchange(&app, &sent).await;
        let found = statuses(&told);
        println!("{what}: {found:?}, closed: {closed}");
        assert_eq!(found, [400], "{what}: {told}");
        assert!(closed, "{what}");
    }
    // Both lengths: the chunks count (RFC 9112, 6.3), and the given length must not hide a request.
    let both =
        format!("content-length: {}\r\ntransfer-encoding: chunked", chunked.len() + hidden.len());
    let (told, _) = exchange(&app, &search(&tenant, &both, &format!("{chunked}{hidden}"))).await;
    println!("length and chunks: {:?}", statuses(&told));
    assert!(statuses(&told).iter().all(|status| *status < 500), "{told}");
    lives(&tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_beyond_all_bounds_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("headers").await;
    let get = |headers: &str| format!("GET /v1/me HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    let many: String = (0..400).map(|number| format!("x-{number}: 1\r\n")).collect();
    let huge = format!("x-huge: {}\r\n", "a".repeat(1 << 20));
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1 << 20));
    for (what, sent) in
        [("400 headers", get(&many)), ("a header of 1 MiB", get(&huge)), ("a path of 1 MiB", long)]
    {
        let (told, closed) = exchange(&app, sent.as_bytes()).await;
        println!("{what}: {:?}, closed: {closed}", statuses(&told));
        assert!(closed, "{what}: {told}");
        assert!(statuses(&told).iter().all(|status| (400..500).contains(status)), "{what}: {told}");
    }
    let (told, _) =
        exchange(&app, get(&format!("x-large: {}\r\n", "a".repeat(17_000))).as_bytes()).await;
    println!("a header of 17 kB: {:?}", statuses(&told));
    assert!(statuses(&told).iter().all(|status| (400..500).contains(status)), "{told}");
    for junk in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let (told, _) = exchange(&app, junk.as_bytes()).await;
        assert!(statuses(&told).iter().all(|status| *status < 500), "{junk:?}: {told}");
    }
    lives(&tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_lie_stay_or_are_packed_get_a_problem() {
    let settings = [("PIDIMA_REQUEST_TIMEOUT_MS", "500")];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("bodies").await;
    // Chunks without end: 413 once the limit is passed, whatever is announced.
    let chunk = format!("{:x}\r\n{}\r\n", 300_000, "w".repeat(300_000));
    let (told, _) = exchange(
        &app,
        &search(&tenant, "transfer-encoding: chunked", &format!("{chunk}0\r\n\r\n")),
    )
    .await;
    assert_eq!(statuses(&told), [413], "{told}");
    // A body that never comes, or comes byte by byte: 408 after the time of a request.
    let (told, _) = exchange(&app, &search(&tenant, "content-length: 100", "{\"query")).await;
    assert_eq!(statuses(&told), [408], "{told}");
    // Packed bodies are not unpacked: the bytes are no JSON.
    let packed = "\u{1f}\u{0b}\u{8}\0\0";
    let headers = format!("content-encoding: gzip\r\ncontent-length: {}", packed.len());
    let (told, _) = exchange(&app, &search(&tenant, &headers, packed)).await;
    assert_eq!(statuses(&told), [400], "{told}");
    lives(&tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_whose_body_stays_away_is_ended_also_when_it_was_refused() {
    let settings = [
        ("PIDIMA_REQUEST_TIMEOUT_MS", "500"),
        ("PIDIMA_LIMIT_ASK_BURST", "2"),
        ("PIDIMA_LIMIT_ASK_PER_MINUTE", "1"),
    ];
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(&settings, model).await;
    let tenant = app.tenant("questions").await;
    let paths = ["/v1/answers", "/v1/sessions/00000000-0000-0000-0000-000000000007/messages"];
    for (path, expected) in [(paths[0], 408), (paths[1], 408), (paths[0], 429), (paths[1], 429)] {
        let sent = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
            content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"qu",
            tenant.key
        );
        let (told, _) = exchange(&app, sent.as_bytes()).await;
        assert_eq!(statuses(&told), [expected], "{path}: {told}");
    }
    lives(&tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_that_never_finish_their_headers_keep_nobody_else_out() {
    let app = TestApp::start().await;
    let tenant = app.tenant("slow").await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET /v1/me HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
        slow.push(socket);
    }
    for _ in 0..20 {
        lives(&tenant).await;
    }
    drop(slow);
}

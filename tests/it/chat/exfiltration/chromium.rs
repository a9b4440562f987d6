//! The same payloads shown by a real browser, as two usual renderers make pages of them, before a server that counts who
//! asks. Needs Chromium: `cargo test --test it -- --ignored chromium`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::payloads::payloads;
use super::{OWN, answers, prepared};
use crate::login::chromium::chromium;
use crate::support::issuers::{installed_from, npm_ci};

/// A server that notes the paths that it is asked for.
struct Sink {
    host: String,
    paths: Arc<Mutex<BTreeSet<String>>>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let paths: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let noted = Arc::clone(&paths);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    let mut head = vec![0; 4_096];
                    let length = stream.read(&mut head).await.unwrap_or_default();
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or("nothing").to_owned();
                    noted.lock().unwrap().insert(path);
                    let reply = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\
                        access-control-allow-origin: *\r\n\r\n";
                    // A browser that went away wants no reply.
                    let _ = stream.write_all(reply.as_bytes()).await;
                });
            }
        });
        Self { host, paths }
    }

    fn paths(&self) -> BTreeSet<String> {
        self.paths.lock().unwrap().clone()
    }
}

/// Shows each answer with its citations in the browser; what stood in the pages.
async fn show(answers: &[Value]) -> Value {
    let folder: PathBuf = tokio::task::spawn_blocking(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render");
        installed_from(
            source,
            "render",
            &["package.json", "package-lock.json", "render.mjs"],
            npm_ci,
        )
    })
    .await
    .unwrap();
    let task = json!({ "chromium": chromium(), "answers": answers, "allowed": OWN });
    let mut node = Command::new("node");
    node.arg(folder.join("render.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(task.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(std::time::Duration::from_secs(900), node.wait_with_output());
    let output = output.await.expect("the browser was done in 15 minutes").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser failed: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn chromium_fetches_nothing_that_a_model_was_made_to_say() {
    let sink = Sink::start().await;
    let (_app, model, tenant) = prepared().await;
    let payloads = payloads(&sink.host);
    let answers = answers(&tenant, &model, &payloads, 7).await;

    let seen = show(&answers).await;
    println!("{} answers in two renderers: {} requests", answers.len(), sink.paths().len());
    assert_eq!(sink.paths(), BTreeSet::new());
    assert_eq!(seen["faults"], json!([]), "{seen:#}");
    assert_eq!(seen["shown"], json!(2 * answers.len()));

    // Without the filter the same pages do fetch: the sink and the browser would have shown it.
    let raw: Vec<Value> =
        payloads.iter().map(|payload| json!({ "content": payload, "citations": [] })).collect();
    let seen = show(&raw).await;
    println!("the same unfiltered: {} requests", sink.paths().len());
    assert!(sink.paths().len() > 60, "{:?}", sink.paths());
    assert!(seen["faults"].as_array().unwrap().len() > 100);
}

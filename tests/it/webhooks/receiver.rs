//! A receiver of webhooks: keeps what it was sent, and answers as the test wants.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::eventually;

/// One message.
#[derive(Clone, Debug)]
pub struct Received {
    /// First line of the request.
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The receiver. It answers with the statuses given, one after the other, and then with 204; 0 stands for no answer at all.
pub struct Receiver {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    /// Whoever is told answers when this is open.
    gate: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let statuses = Arc::new(Mutex::new(VecDeque::new()));
        let (log, script) = (Arc::clone(&received), Arc::clone(&statuses));
        let (gate, opened) = watch::channel(true);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                let opened = opened.clone();
                tokio::spawn(async move { serve(stream, &log, &script, opened).await });
            }
        });
        Self { port, received, statuses, gate, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?of=pidima", self.port)
    }

    /// Answers the next messages with these statuses.
    pub fn answer(&self, statuses: &[u16]) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    /// Holds the answers back until `open`.
    pub fn hold(&self) {
        self.gate.send_replace(false);
    }

    /// Gives all answers that are held back.
    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    pub fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Messages, once there are so many.
    pub async fn wait(&self, count: usize) -> Vec<Received> {
        eventually("the receiver is told", || async { self.all().len() >= count }).await;
        self.all()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Received>>,
    script: &Mutex<VecDeque<u16>>,
    mut opened: watch::Receiver<bool>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).unwrap();
    let status = script.lock().unwrap().pop_front().unwrap_or(204);
    log.lock().unwrap().push(Received { line, headers, body });
    opened.wait_for(|is_open| *is_open).await.ok()?;
    if status == 0 {
        // Until the sender has gone.
        let _ = stream.read_u8().await;
        return None;
    }
    let location = if status == 302 { "location: /elsewhere\r\n" } else { "" };
    let answer = format!("HTTP/1.1 {status} So\r\n{location}content-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

//! A web site of the test: pages that the test changes as it goes, with a log of who asked for what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::eventually;

/// One page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Page {
    /// A page of HTML with a title, links and some text.
    pub fn html(title: &str, links: &[&str], text: &str) -> Self {
        let links: String =
            links.iter().map(|link| format!("<li><a href=\"{link}\">{link}</a></li>")).collect();
        let body = format!(
            "<!doctype html><html><head><title>{title}</title></head><body><main><h1>{title}</h1><p>{text} It is told here in a few words more, so that there is something to read.</p></main><nav><ul>{links}</ul></nav></body></html>"
        );
        Self::of("text/html; charset=utf-8", body)
    }

    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn redirect(to: &str) -> Self {
        Self::status(302).with("location", to)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub status: u16,
    pub at: Instant,
}

#[derive(Default)]
struct Shared {
    pages: Mutex<BTreeMap<String, Page>>,
    log: Mutex<Vec<Asked>>,
}

/// The site.
pub struct Site {
    pub port: u16,
    shared: Arc<Shared>,
    /// Whoever asks for a page is answered when this is open; `robots.txt` is always answered.
    gate: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Site {
    pub async fn start(pages: &[(&str, Page)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let (gate, opened) = watch::channel(true);
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (served, opened) = (Arc::clone(&served), opened.clone());
                tokio::spawn(async move { serve(stream, &served, opened).await });
            }
        });
        let site = Self { port, shared, gate, task };
        for (path, page) in pages {
            site.put(path, page.clone());
        }
        site
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn put(&self, path: &str, page: Page) {
        self.shared.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    pub fn take_away(&self, path: &str) {
        self.shared.pages.lock().unwrap().remove(path).unwrap();
    }

    /// What was asked for since the last time, pages alone.
    pub fn asked(&self) -> Vec<Asked> {
        let mut log = std::mem::take(&mut *self.shared.log.lock().unwrap());
        log.retain(|asked| asked.path != "/robots.txt");
        log
    }

    /// Holds the answers back until `open`.
    pub fn hold(&self) {
        self.gate.send_replace(false);
    }

    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until somebody has asked for so many pages.
    pub async fn wait(&self, count: usize) {
        let asked = || {
            let log = self.shared.log.lock().unwrap();
            log.iter().filter(|asked| asked.path != "/robots.txt").count()
        };
        eventually("the site is asked", || async { asked() >= count }).await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    shared: &Shared,
    mut opened: watch::Receiver<bool>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let found = shared.pages.lock().unwrap().get(&path).cloned();
    let mut page = found.unwrap_or_else(|| Page::status(404));
    let has = |name: &str| page.headers.iter().find(|(known, _)| *known == name).map(|(_, v)| v);
    let is_known = (has("etag").is_some() && has("etag") == headers.get("if-none-match"))
        || (has("last-modified").is_some()
            && has("last-modified") == headers.get("if-modified-since"));
    if is_known {
        page = Page::status(304);
    }
    shared.log.lock().unwrap().push(Asked {
        path: path.clone(),
        headers,
        status: page.status,
        at: Instant::now(),
    });
    if path != "/robots.txt" {
        opened.wait_for(|is_open| *is_open).await.ok()?;
    }
    let mut answer =
        format!("HTTP/1.1 {} So\r\ncontent-length: {}\r\n", page.status, page.body.len());
    for (name, value) in &page.headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.write_all(&page.body).await.ok()?;
    stream.shutdown().await.ok()
}

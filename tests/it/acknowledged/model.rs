//! A server of OpenAI's chat completions that answers each question with the question's own mark, in a few pieces, so
//! that kills fall between them.

use std::time::Duration;

use futures_util::StreamExt;
use poem::listener::TcpAcceptor;
use poem::web::sse::{Event, SSE};
use poem::{IntoResponse, Response, Route, Server, handler, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(15);

/// The server; it ends with the process.
pub struct QuickModel {
    base_url: String,
}

impl QuickModel {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let app = Route::new().at("/v1/chat/completions", post(complete));
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        Self { base_url }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// The last mark (`N`, digits, `x`, digits) in a text.
pub fn mark_of(text: &str) -> Option<&str> {
    let is_mark = |word: &&str| {
        word.strip_prefix('N').and_then(|rest| rest.split_once('x')).is_some_and(|(a, b)| {
            !a.is_empty() && !b.is_empty() && format!("{a}{b}").bytes().all(|b| b.is_ascii_digit())
        })
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).rfind(is_mark)
}

#[handler]
fn complete(body: poem::web::Json<Value>) -> Response {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().map(|message| message["content"].to_string()).unwrap_or_default();
    let mark = mark_of(&last).unwrap_or("none").to_owned();
    if body["stream"] != true {
        let choice = json!({ "message": { "content": format!("How long do keys live? {mark}") }, "finish_reason": "stop" });
        return poem::web::Json(json!({ "choices": [choice] })).into_response();
    }
    let mut pieces: Vec<String> =
        ["Keys ", "live ", "for ", "90 ", "days. ", "[1]", " That ", "is "]
            .map(str::to_owned)
            .into();
    pieces.push(mark);
    pieces.push(".".to_owned());
    let events = futures_util::stream::iter(pieces)
        .then(|piece| async move {
            tokio::time::sleep(PAUSE).await;
            json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] }).to_string()
        })
        .chain(futures_util::stream::iter([
            json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] })
                .to_string(),
            json!({ "choices": [], "usage": { "prompt_tokens": 100, "completion_tokens": 10 } })
                .to_string(),
            "[DONE]".to_owned(),
        ]))
        .map(Event::message);
    SSE::new(events).into_response()
}

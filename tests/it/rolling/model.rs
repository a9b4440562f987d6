//! A server of OpenAI's protocol that writes the same answer for everybody, at the pace of a real one.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use poem::listener::TcpAcceptor;
use poem::{Body, Response};
use serde_json::json;
use tokio::net::TcpListener;

/// Pieces of an answer.
const PIECES: usize = 60;
const PAUSE: Duration = Duration::from_millis(100);

pub struct PacedServer {
    /// Base of its addresses.
    pub url: String,
}

fn piece(number: usize) -> String {
    if number + 1 == PIECES { " [1]".to_owned() } else { format!("word{number} ") }
}

/// The whole answer, as the model writes it.
pub fn answer() -> String {
    (0..PIECES).map(piece).collect()
}

fn events() -> impl futures_util::Stream<Item = std::io::Result<Vec<u8>>> {
    let pieces = stream::iter(0..PIECES).then(|number| async move {
        tokio::time::sleep(PAUSE).await;
        json!({ "choices": [{ "index": 0, "delta": { "content": piece(number) } }] }).to_string()
    });
    let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let end = stream::iter([end.to_string(), "[DONE]".to_owned()]);
    pieces.chain(end).map(|data| Ok(format!("data: {data}\n\n").into_bytes()))
}

impl PacedServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let endpoint = poem::endpoint::make_sync(|_| {
            let body = Body::from_bytes_stream(events());
            Response::builder().content_type("text/event-stream").body(body)
        });
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
        Self { url }
    }
}

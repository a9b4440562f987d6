//! Reads a stream of events as a browser does: as they come.

use std::time::Instant;

use reqwest::Response;
use serde_json::Value;

/// An event.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    pub id: usize,
    pub name: String,
    pub data: Value,
    /// When its last byte was here.
    pub at: Instant,
}

/// An open stream.
pub struct EventReader {
    response: Response,
    buffer: Vec<u8>,
    at: Instant,
}

impl EventReader {
    pub fn new(response: Response) -> Self {
        Self { response, buffer: Vec::new(), at: Instant::now() }
    }

    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        self.try_next().await.unwrap()
    }

    /// The same for a server that may go away in between.
    pub async fn try_next(&mut self) -> reqwest::Result<Option<StreamEvent>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                match parse(&String::from_utf8(block).unwrap(), self.at) {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            let Some(bytes) = self.response.chunk().await? else { return Ok(None) };
            self.at = Instant::now();
            self.buffer.extend_from_slice(&bytes);
        }
    }

    /// Events through the end of the stream.
    pub async fn rest(mut self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(block: &str, at: Instant) -> Option<StreamEvent> {
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        block.lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    };
    let name = field("event")?;
    let data = serde_json::from_str(&field("data").unwrap()).unwrap();
    Some(StreamEvent { id: field("id").unwrap().parse().unwrap(), name, data, at })
}

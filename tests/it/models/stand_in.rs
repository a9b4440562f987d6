//! A model server that follows a script of raw bytes and pauses. Used by the tests of the adapter
//! for OpenAI-compatible servers; each one serves a single request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pidima::adapters::models::{OpenAiModel, OpenAiSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One thing that the stand-in does after it has read the request.
pub enum Do {
    Send(Vec<u8>),
    Wait(Duration),
}

/// A server for one request; gives its base address and, later, the request that it read.
pub struct StandIn {
    base_url: String,
    request: Arc<Mutex<String>>,
}

impl StandIn {
    pub async fn start(script: Vec<Do>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let request = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&request);
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            *seen.lock().unwrap() = read_request(&mut socket).await;
            for step in script {
                match step {
                    // A client that has given up is no failure of the stand-in.
                    Do::Send(bytes) => drop(socket.write_all(&bytes).await),
                    Do::Wait(time) => tokio::time::sleep(time).await,
                }
            }
            drop(socket.shutdown().await);
        });
        Self { base_url, request }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn settings(&self) -> OpenAiSettings {
        OpenAiSettings {
            api_key: secrecy::SecretString::from("top-secret-key").into(),
            first_token_timeout: Duration::from_millis(400),
            next_token_timeout: Duration::from_millis(250),
            total_timeout: Duration::from_millis(1500),
            ..OpenAiSettings::new(&self.base_url, "some-model")
        }
    }

    pub fn model(&self) -> OpenAiModel {
        OpenAiModel::new(self.settings()).unwrap()
    }

    /// The whole request that the client sent.
    pub fn request(&self) -> String {
        self.request.lock().unwrap().clone()
    }

    /// The JSON that the client sent.
    pub fn body(&self) -> serde_json::Value {
        let request = self.request.lock().unwrap();
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

pub async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length:").map(str::to_owned)
            });
            if body.len() >= length.unwrap_or_default().trim().parse().unwrap_or(0) {
                return text;
            }
        }
        if count == 0 {
            return text; // The client went away.
        }
    }
}

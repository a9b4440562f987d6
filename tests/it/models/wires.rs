//! The two protocols as bytes, a stand-in that answers each request as the test decides, and the eleven shapes in which a
//! model's answer breaks.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use pidima::adapters::models::{
    BedrockModel, BedrockSettings, ChatModel, OpenAiModel, OpenAiSettings,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::stand_in::{Do, read_request};

/// A provider's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    OpenAi,
    Bedrock,
}

impl Wire {
    pub const BOTH: [Self; 2] = [Self::OpenAi, Self::Bedrock];

    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Bedrock => "bedrock",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::OpenAi => "text/event-stream",
            Self::Bedrock => "application/vnd.amazon.eventstream",
        }
    }

    pub fn head(self) -> Vec<u8> {
        head(self.content_type(), "")
    }

    pub fn token(self, text: &str) -> Vec<u8> {
        match self {
            Self::OpenAi => {
                chunk(&json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }))
            }
            Self::Bedrock => event(
                "contentBlockDelta",
                &json!({ "contentBlockIndex": 0, "delta": { "text": text } }),
            ),
        }
    }

    /// Ten megabytes in one piece, made once: it takes longer than a first token may.
    pub fn long_token(self) -> &'static [u8] {
        static OPENAI: OnceLock<Vec<u8>> = OnceLock::new();
        static BEDROCK: OnceLock<Vec<u8>> = OnceLock::new();
        let kept = match self {
            Self::OpenAi => &OPENAI,
            Self::Bedrock => &BEDROCK,
        };
        kept.get_or_init(|| self.token(&"x".repeat(10 * 1024 * 1024)))
    }

    /// The end of the text, without the count and without the last line.
    pub fn stop(self) -> Vec<u8> {
        match self {
            Self::OpenAi => {
                chunk(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }))
            }
            Self::Bedrock => event("messageStop", &json!({ "stopReason": "end_turn" })),
        }
    }

    pub fn usage(self, input: i64, output: i64) -> Vec<u8> {
        match self {
            Self::OpenAi => chunk(&json!({ "choices": [],
                "usage": { "prompt_tokens": input, "completion_tokens": output } })),
            Self::Bedrock => event(
                "metadata",
                &json!({ "metrics": { "latencyMs": 5 }, "usage": { "inputTokens": input,
                    "outputTokens": output, "totalTokens": input + output } }),
            ),
        }
    }

    pub fn done(self) -> Vec<u8> {
        match self {
            Self::OpenAi => b"data: [DONE]\n\n".to_vec(),
            Self::Bedrock => Vec::new(),
        }
    }

    pub fn error_inside(self) -> Vec<u8> {
        match self {
            Self::OpenAi => {
                chunk(&json!({ "error": { "message": "overloaded", "type": "overloaded_error" } }))
            }
            Self::Bedrock => frame(
                ("exception", ":exception-type"),
                "modelStreamErrorException",
                &json!({ "message": "overloaded" }),
            ),
        }
    }

    fn malformed(self) -> Vec<u8> {
        match self {
            Self::OpenAi => b"data: {oops}\n\n".to_vec(),
            Self::Bedrock => {
                let mut damaged = self.token("25");
                let last = damaged.len() - 1;
                damaged[last] ^= 0xff;
                damaged
            }
        }
    }

    /// An answer in these pieces, with everything that belongs to it.
    pub fn answer(self, pieces: &[&str]) -> Vec<u8> {
        let mut bytes = self.head();
        for piece in pieces {
            bytes.extend(self.token(piece));
        }
        [bytes, self.stop(), self.usage(321, 9), self.done()].concat()
    }

    /// A model that is asked at `server`.
    pub fn model(self, server: &ModelServer) -> Arc<dyn ChatModel> {
        let (first, next) = (Duration::from_millis(1500), Duration::from_millis(800));
        let total = Duration::from_secs(20);
        match self {
            Self::OpenAi => Arc::new(
                OpenAiModel::new(OpenAiSettings {
                    first_token_timeout: first,
                    next_token_timeout: next,
                    total_timeout: total,
                    ..OpenAiSettings::new(format!("{}/v1", server.url), "stand-in")
                })
                .unwrap(),
            ),
            Self::Bedrock => Arc::new(BedrockModel::with_client(
                BedrockSettings {
                    first_token_timeout: first,
                    next_token_timeout: next,
                    total_timeout: total,
                    ..BedrockSettings::new("stand-in")
                },
                bedrock_client(&server.url),
            )),
        }
    }
}

/// A client of Bedrock's runtime at an address.
pub fn bedrock_client(address: &str) -> aws_sdk_bedrockruntime::Client {
    use aws_sdk_bedrockruntime::config::{
        BehaviorVersion, Credentials, Region, retry::RetryConfig,
    };
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(address)
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "top-secret-key", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_bedrockruntime::Client::from_conf(config)
}

fn head(content_type: &str, more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n{more}\r\n")
        .into_bytes()
}

fn chunk(json: &Value) -> Vec<u8> {
    format!("data: {json}\n\n").into_bytes()
}

fn event(name: &str, body: &Value) -> Vec<u8> {
    frame(("event", ":event-type"), name, body)
}

pub fn frame(kind: (&str, &str), name: &str, body: &Value) -> Vec<u8> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(serde_json::to_vec(body).unwrap())
        .add_header(Header::new(":message-type", text(kind.0)))
        .add_header(Header::new(kind.1.to_owned(), text(name)))
        .add_header(Header::new(":content-type", text("application/json")));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

/// Decides what is done with a request, by its text.
type Choice = dyn Fn(&str) -> Vec<Do> + Send + Sync;

/// A model server of the test's own that serves any number of requests.
pub struct ModelServer {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ModelServer {
    pub async fn start(choose: impl Fn(&str) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, choose): (_, Arc<Choice>) = (Arc::clone(&requests), Arc::new(choose));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&choose), Arc::clone(&seen)));
            }
        });
        Self { url, requests }
    }

    /// Requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, choose: Arc<Choice>, seen: Arc<Mutex<Vec<String>>>) {
    let request = read_request(&mut socket).await;
    let script = choose(&request);
    seen.lock().unwrap().push(request);
    for step in script {
        match step {
            // A client that has given up is no failure of the stand-in.
            Do::Send(bytes) => drop(socket.write_all(&bytes).await),
            Do::Wait(time) => tokio::time::sleep(time).await,
        }
    }
    drop(socket.shutdown().await);
}

/// A way in which an answer breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    CutAfter(usize),
    StallBeforeFirst,
    Stall,
    MalformedChunk,
    MissingDone,
    ErrorAfter200,
    DuplicateChunk,
    SplitEverywhere,
    TenMegabytes,
    Gzip,
    WrongContentType,
    UsageMissing,
}

/// The sentence that every answer begins with; what follows is filler, so that cuts can lie far behind.
pub const SENTENCE: [&str; 5] = ["Keys live ", "for 90 ", "days. ", "[1] ", "Größe 👍🏽 "];
/// Pieces of a whole answer.
pub const PIECES: usize = 60;

pub fn pieces() -> Vec<&'static str> {
    SENTENCE.iter().copied().chain(std::iter::repeat("more ")).take(PIECES).collect()
}

impl Shape {
    /// All of them; cutting is tried at the beginning, early, late and directly before the end.
    pub const ALL: [Self; 15] = [
        Self::CutAfter(0),
        Self::CutAfter(1),
        Self::CutAfter(45),
        Self::CutAfter(PIECES),
        Self::StallBeforeFirst,
        Self::Stall,
        Self::MalformedChunk,
        Self::MissingDone,
        Self::ErrorAfter200,
        Self::DuplicateChunk,
        Self::SplitEverywhere,
        Self::TenMegabytes,
        Self::Gzip,
        Self::WrongContentType,
        Self::UsageMissing,
    ];

    /// The published name of its kind: eleven in all.
    pub fn kind(self) -> &'static str {
        match self {
            Self::CutAfter(_) => "cut after k tokens",
            Self::StallBeforeFirst | Self::Stall => "stall",
            Self::MalformedChunk => "malformed chunk",
            Self::MissingDone => "missing [DONE]",
            Self::ErrorAfter200 => "200 then error",
            Self::DuplicateChunk => "duplicate chunk",
            Self::SplitEverywhere => "split over frames",
            Self::TenMegabytes => "10 MB in one line",
            Self::Gzip => "gzip'd stream",
            Self::WrongContentType => "wrong content type",
            Self::UsageMissing => "usage missing",
        }
    }

    /// What the server does.
    pub fn script(self, wire: Wire) -> Vec<Do> {
        let begun = |count: usize| {
            let mut bytes = wire.head();
            for piece in &pieces()[..count] {
                bytes.extend(wire.token(piece));
            }
            bytes
        };
        let stall = Do::Wait(Duration::from_secs(20));
        match self {
            Self::CutAfter(count) => vec![Do::Send(begun(count))],
            Self::StallBeforeFirst => vec![Do::Send(wire.head()), stall],
            Self::Stall => vec![Do::Send(begun(3)), stall],
            Self::MalformedChunk => {
                vec![Do::Send([begun(3), wire.malformed(), wire.stop()].concat())]
            }
            Self::MissingDone => {
                vec![Do::Send([begun(PIECES), wire.stop(), wire.usage(321, 9)].concat())]
            }
            Self::ErrorAfter200 => vec![Do::Send([begun(3), wire.error_inside()].concat())],
            Self::DuplicateChunk => {
                let twice = [begun(3), wire.token("[1] "), wire.token("[1] ")].concat();
                vec![Do::Send([twice, wire.stop(), wire.usage(321, 9), wire.done()].concat())]
            }
            Self::SplitEverywhere => {
                let whole = wire.answer(&pieces()[..8]);
                let split = whole.chunks(7).flat_map(|piece| {
                    [Do::Send(piece.to_vec()), Do::Wait(Duration::from_micros(200))]
                });
                split.collect()
            }
            Self::TenMegabytes => {
                vec![Do::Send([&begun(3), wire.long_token(), &wire.stop()].concat())]
            }
            Self::Gzip => {
                let body = wire.answer(&pieces())[wire.head().len()..].to_vec();
                let head = head(wire.content_type(), "content-encoding: gzip\r\n");
                vec![Do::Send([head, gzip(&body)].concat())]
            }
            Self::WrongContentType => {
                vec![Do::Send([head("text/html", ""), b"<p>Log in</p>".to_vec()].concat())]
            }
            Self::UsageMissing => {
                vec![Do::Send([begun(PIECES), wire.stop(), wire.done()].concat())]
            }
        }
    }
}

/// The bytes in gzip's format, stored and not compressed (RFC 1952, RFC 1951 3.2.4).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = bytes.chunks(60_000).collect();
    for (place, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(place + 1 == blocks.len()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    packed.extend(crc32(bytes).to_le_bytes());
    packed.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    packed
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn the_gzip_of_the_tests_has_the_checksum_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

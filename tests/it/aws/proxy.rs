//! Stands between the service and the stand-in, keeps what goes by, and does what a test tells it to.

use std::sync::{Arc, Mutex};

use poem::http::{HeaderMap, StatusCode};
use poem::listener::TcpAcceptor;
use poem::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request that came by.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method, path and query.
    pub line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What becomes of a request.
pub enum Act {
    Pass,
    /// Passed on with another body.
    Alter(Vec<u8>),
    /// Passed on, and the last byte of what is answered is another.
    Damage,
    /// Answered here.
    Reply(u16, &'static str, Vec<u8>),
    /// Passed on; the answer is held back until the sender says true.
    Late(watch::Receiver<bool>),
    /// Never answered.
    Hang,
}

type Rule = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

/// The proxy.
#[derive(Clone)]
pub struct FaultProxy {
    pub url: String,
    target: String,
    rule: Arc<Mutex<Rule>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    http: reqwest::Client,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The operation of SQS.
    pub fn sqs(&self) -> &str {
        self.header("x-amz-target").strip_prefix("AmazonSQS.").unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Act {
    /// A refusal as S3 words it.
    pub fn s3(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>as asked</Message></Error>");
        Self::Reply(status, "application/xml", body.into_bytes())
    }

    /// A refusal as SQS words it.
    pub fn sqs(status: u16, code: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": "as asked" });
        Self::json(status, &body)
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Reply(status, "application/x-amz-json-1.0", body.to_string().into_bytes())
    }
}

impl FaultProxy {
    /// A proxy that passes everything on.
    pub async fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            target: target.to_owned(),
            rule: Arc::new(Mutex::new(Arc::new(|_| Act::Pass))),
            seen: Arc::default(),
            http: reqwest::Client::new(),
        };
        let served = proxy.clone();
        let endpoint = poem::endpoint::make(move |request| {
            let proxy = served.clone();
            async move { Ok::<_, poem::Error>(proxy.answer(request).await) }
        });
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
        proxy
    }

    pub fn on(&self, rule: impl Fn(&Seen) -> Act + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    pub fn pass(&self) {
        self.on(|_| Act::Pass);
    }

    /// What came by since the last call.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    pub fn count(&self, is_meant: impl Fn(&Seen) -> bool) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| is_meant(seen)).count()
    }

    async fn answer(&self, request: Request) -> Response {
        let line = format!("{} {}", request.method(), request.original_uri());
        let headers = request.headers().clone();
        let body = request.into_body().into_bytes().await.unwrap().to_vec();
        let seen = Seen { line, headers, body };
        self.seen.lock().unwrap().push(seen.clone());
        let rule = Arc::clone(&self.rule.lock().unwrap());
        match rule(&seen) {
            Act::Pass => self.forward(&seen, seen.body.clone(), false).await,
            Act::Alter(body) => self.forward(&seen, body, false).await,
            Act::Damage => self.forward(&seen, seen.body.clone(), true).await,
            Act::Reply(status, kind, body) => Response::builder()
                .status(StatusCode::from_u16(status).unwrap())
                .content_type(kind)
                .body(body),
            Act::Late(mut told) => {
                let answer = self.forward(&seen, seen.body.clone(), false).await;
                // A sender that is gone lets it go.
                drop(told.wait_for(|told| *told).await);
                answer
            }
            Act::Hang => std::future::pending().await,
        }
    }

    async fn forward(&self, seen: &Seen, body: Vec<u8>, damage: bool) -> Response {
        let (method, path) = seen.line.split_once(' ').unwrap();
        let mut headers = seen.headers.clone();
        headers.remove("host");
        headers.remove("content-length");
        let request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.target))
            .headers(headers)
            .body(body);
        let Ok(reply) = request.send().await else {
            return StatusCode::BAD_GATEWAY.into();
        };
        let mut response = Response::builder().status(reply.status());
        for (name, value) in reply.headers() {
            if name != "transfer-encoding" && name != "content-length" {
                response = response.header(name, value);
            }
        }
        let mut bytes = reply.bytes().await.unwrap().to_vec();
        if let Some(last) = bytes.last_mut().filter(|_| damage) {
            *last ^= 1;
        }
        response.body(bytes)
    }
}

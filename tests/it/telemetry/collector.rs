//! A stand-in for an OpenTelemetry collector, which reads what real ones read, and can be away or keep who calls it waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{Body, EndpointExt, Request, Route, handler, post};
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub struct Collector {
    pub url: String,
    told: Told,
    stop: CancellationToken,
}

#[derive(Clone, Default)]
struct Told {
    spans: Arc<Mutex<Vec<ToldSpan>>>,
    /// Header `api-key` of each request.
    keys: Arc<Mutex<Vec<Option<String>>>>,
    hangs: Arc<AtomicBool>,
}

/// A span with the name of the service that made it.
#[derive(Clone, Debug)]
pub struct ToldSpan {
    pub service: String,
    pub span: Span,
}

impl ToldSpan {
    pub fn trace_id(&self) -> String {
        hex::encode(&self.span.trace_id)
    }

    pub fn parent(&self) -> String {
        hex::encode(&self.span.parent_span_id)
    }

    pub fn id(&self) -> String {
        hex::encode(&self.span.span_id)
    }

    /// An attribute as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let found = self.span.attributes.iter().find(|attribute| attribute.key == name)?;
        Some(text(found.value.as_ref()?.value.as_ref()?))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

impl Collector {
    pub async fn start() -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn at(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (told, stop) = (Told::default(), CancellationToken::new());
        let routes = Route::new().at("/v1/traces", post(take)).data(told.clone());
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        let serving = poem::Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(
            routes,
            stop.clone().cancelled_owned(),
            None,
        );
        tokio::spawn(serving);
        Self { url, told, stop }
    }

    /// From now on nobody gets an answer.
    pub fn hang(&self) {
        self.told.hangs.store(true, Ordering::SeqCst);
    }

    pub fn spans(&self) -> Vec<ToldSpan> {
        self.told.spans.lock().unwrap().clone()
    }

    pub fn of_trace(&self, trace_id: &str) -> Vec<ToldSpan> {
        self.spans().into_iter().filter(|span| span.trace_id() == trace_id).collect()
    }

    pub fn keys(&self) -> Vec<Option<String>> {
        self.told.keys.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[handler]
async fn take(told: Data<&Told>, request: &Request, body: Body) -> StatusCode {
    if told.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let key = request.headers().get("api-key").map(|key| key.to_str().unwrap().to_owned());
    told.keys.lock().unwrap().push(key);
    assert_eq!(request.content_type(), Some("application/x-protobuf"));
    let bytes = body.into_bytes().await.unwrap();
    let Ok(read) = ExportTraceServiceRequest::decode(bytes) else { return StatusCode::BAD_REQUEST };
    let mut spans = told.spans.lock().unwrap();
    for resource in read.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
        let service = text(name.value.as_ref().unwrap().value.as_ref().unwrap());
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(ToldSpan { service: service.clone(), span });
        }
    }
    StatusCode::OK
}

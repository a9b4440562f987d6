//! Requests and responses as the server reads and writes them, seen from outside its outermost layer.

use std::fmt::Write;
use std::io::Error as IoError;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::http::HeaderMap;
use poem::{Body, Endpoint, Request, Response, Result};
use tokio_util::bytes::Bytes;

use super::Watch;

/// One request and its response, or what came of them.
#[derive(Default)]
pub struct Exchange {
    /// Path and query.
    pub path: String,
    pub asked_headers: String,
    pub asked: Mutex<Vec<u8>>,
    /// Status and headers of the response.
    pub told_headers: Mutex<String>,
    pub told: Mutex<Vec<u8>>,
    /// Whether the response is a stream of events.
    pub is_stream: Mutex<bool>,
}

impl Exchange {
    pub fn asked(&self) -> String {
        String::from_utf8_lossy(&self.asked.lock().unwrap()).into_owned()
    }

    pub fn told(&self) -> String {
        String::from_utf8_lossy(&self.told.lock().unwrap()).into_owned()
    }
}

/// The application, watched.
pub struct Watched<E> {
    pub inner: E,
    pub watch: Watch,
}

impl<E: Endpoint<Output = Response>> Endpoint for Watched<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let exchange = Arc::new(Exchange {
            path: request.uri().to_string(),
            asked_headers: lines(request.headers()),
            ..Exchange::default()
        });
        self.watch.keep(Arc::clone(&exchange));
        let asked = Arc::clone(&exchange);
        let body = tee(request.take_body(), move |bytes| keep(&asked.asked, bytes));
        request.set_body(body);
        let mut response = self.inner.get_response(request).await;
        let headers = format!("{}\n{}", response.status(), lines(response.headers()));
        *exchange.is_stream.lock().unwrap() = headers.contains("text/event-stream");
        *exchange.told_headers.lock().unwrap() = headers;
        let body = response.take_body();
        response.set_body(tee(body, move |bytes| keep(&exchange.told, bytes)));
        Ok(response)
    }
}

fn keep(into: &Mutex<Vec<u8>>, bytes: &Bytes) {
    into.lock().unwrap().extend_from_slice(bytes);
}

fn lines(headers: &HeaderMap) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes())).unwrap();
    }
    text
}

/// The same body, frame by frame and of the same size: neither side can tell.
fn tee(body: Body, see: impl Fn(&Bytes) + Send + Sync + 'static) -> Body {
    let inner: BoxBody<Bytes, IoError> = body.into();
    Body::from(BoxBody::new(Tee { inner, see: Box::new(see) }))
}

struct Tee {
    inner: BoxBody<Bytes, IoError>,
    see: Box<dyn Fn(&Bytes) + Send + Sync>,
}

impl HttpBody for Tee {
    type Data = Bytes;
    type Error = IoError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, IoError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(bytes) = frame.data_ref()
        {
            (self.see)(bytes);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

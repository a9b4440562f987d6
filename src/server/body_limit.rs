//! Bounds the size of request bodies, also of those that do not tell their length.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use poem::http::{Method, header};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response, Result};

use super::observe::request_id;
use crate::web::problem::{ApiError, ProblemCode};

/// Largest bodies, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Of an upload.
    pub upload: u64,
    /// Of any other request.
    pub other: u64,
}

impl<E: Endpoint> Middleware<E> for BodyLimit {
    type Output = BodyLimitEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        BodyLimitEndpoint { limits: *self, inner }
    }
}

pub struct BodyLimitEndpoint<E> {
    limits: BodyLimit,
    inner: E,
}

impl<E: Endpoint> Endpoint for BodyLimitEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let limit = if is_upload(&request) { self.limits.upload } else { self.limits.other };
        let too_large = ApiError::new(
            ProblemCode::PayloadTooLarge,
            format!("the body is larger than {limit} bytes; send less, or split it"),
        );
        let id = request_id(&request);
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Ok(too_large.response(id.as_deref()));
        }
        let exceeded = Arc::new(AtomicBool::new(false));
        let body = counted(request.take_body(), limit, Arc::clone(&exceeded));
        request.set_body(body);
        let result = self.inner.call(request).await;
        // Whatever the parser made of a body that ended early: the reason was its size.
        if exceeded.load(Ordering::Relaxed) {
            return Ok(too_large.response(id.as_deref()));
        }
        result.map(IntoResponse::into_response)
    }
}

/// Whether the request brings a document.
pub fn is_upload(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path() == "/v1/documents"
}

fn counted(body: Body, limit: u64, exceeded: Arc<AtomicBool>) -> Body {
    let mut seen = 0_u64;
    Body::from_bytes_stream(body.into_bytes_stream().map(move |bytes| {
        let bytes = bytes?;
        seen = seen.saturating_add(bytes.len() as u64);
        if seen > limit {
            exceeded.store(true, Ordering::Relaxed);
            return Err(std::io::Error::other("the body is larger than the limit"));
        }
        Ok(bytes)
    }))
}

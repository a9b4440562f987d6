//! Bounds the size of request bodies, also of those that do not tell their length.

use std::future::ready;
use std::io::Error as IoError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use poem::http::{Method, header};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response, Result};

use super::observe::request_id;
use crate::web::problem::{ApiError, ProblemCode};

/// Largest bodies, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Of an upload.
    pub upload: u64,
    /// Of a part of one.
    pub part: u64,
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
        let limit = if is_upload(&request) {
            self.limits.upload
        } else if is_part(&request) {
            self.limits.part
        } else {
            self.limits.other
        };
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
            // A client that asked first (`Expect`) sends nothing; any other must be heard out, see `counted`.
            if !request.headers().contains_key(header::EXPECT) {
                let rest = counted(request.take_body(), 0, limit, Arc::default());
                let mut rest = rest.into_bytes_stream();
                while let Some(Ok(_)) = rest.next().await {}
            }
            return Ok(too_large.response(id.as_deref()));
        }
        let exceeded = Arc::new(AtomicBool::new(false));
        let body = counted(request.take_body(), limit, limit, Arc::clone(&exceeded));
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
    let path = request.uri().path();
    let is_attachment = path.starts_with("/v1/sessions/") && path.ends_with("/attachments");
    request.method() == Method::POST && (path == "/v1/documents" || is_attachment)
}

/// Whether the request brings a part of a document.
pub fn is_part(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::PUT && path.starts_with("/v1/uploads/") && path.contains("/parts/")
}

/// The body up to `limit`. What is above is read and thrown away, up to `drained` bytes: a connection that is closed while
/// its client still writes is reset, and the client never sees the reply that says why.
fn counted(body: Body, limit: u64, drained: u64, exceeded: Arc<AtomicBool>) -> Body {
    let error = || IoError::other("the body is larger than the limit");
    let at_end = Arc::clone(&exceeded);
    let mut seen = 0_u64;
    let within = body.into_bytes_stream().filter_map(move |piece| {
        let kept = match piece {
            Err(failed) => Some(Err(failed)),
            Ok(bytes) => {
                seen = seen.saturating_add(bytes.len() as u64);
                if seen <= limit {
                    Some(Ok(bytes))
                } else {
                    exceeded.store(true, Ordering::Relaxed);
                    (seen - limit > drained).then(|| Err(error()))
                }
            }
        };
        ready(kept)
    });
    let end = stream::once(async move { at_end.load(Ordering::Relaxed).then(|| Err(error())) });
    Body::from_bytes_stream(within.chain(end.filter_map(ready)))
}

//! Bounds the time of a request until its response begins. Answers have the time-outs of their model instead, once their
//! question is read.

use std::future::ready;
use std::io::Error as IoError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use poem::http::{Method, StatusCode};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response, Result};

use super::body_limit::{is_part, is_upload};
use super::observe::request_id;
use crate::web::problem::{ApiError, ProblemCode};

/// Time limits.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    /// Of an upload.
    pub upload: Duration,
    /// Of any other request, and of the body of a question.
    pub other: Duration,
}

impl<E: Endpoint> Middleware<E> for TimeLimit {
    type Output = TimeLimitEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        TimeLimitEndpoint { limits: *self, inner }
    }
}

pub struct TimeLimitEndpoint<E> {
    limits: TimeLimit,
    inner: E,
}

impl<E: Endpoint> Endpoint for TimeLimitEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if is_question(&request) {
            return self.call_question(request).await;
        }
        let is_long = is_upload(&request) || is_part(&request) || is_completion(&request);
        let limit = if is_long { self.limits.upload } else { self.limits.other };
        let id = request_id(&request);
        match tokio::time::timeout(limit, self.inner.call(request)).await {
            Ok(result) => result.map(IntoResponse::into_response),
            Err(_) => Ok(too_late(limit).response(id.as_deref())),
        }
    }
}

impl<E: Endpoint> TimeLimitEndpoint<E> {
    /// The body alone has a limit: the answer may take as long as its model may.
    async fn call_question(&self, mut request: Request) -> Result<Response> {
        let (limit, id) = (self.limits.other, request_id(&request));
        let is_late = Arc::new(AtomicBool::new(false));
        let body = in_time(request.take_body(), limit, Arc::clone(&is_late));
        request.set_body(body);
        let response = self.inner.call(request).await?.into_response();
        // Whatever the parser made of a body that ended early. Who was refused before it was read is told that.
        if is_late.load(Ordering::Relaxed) && response.status() != StatusCode::TOO_MANY_REQUESTS {
            return Ok(too_late(limit).response(id.as_deref()));
        }
        Ok(response)
    }
}

fn too_late(limit: Duration) -> ApiError {
    let words = format!("the request was not done within {} ms; try again", limit.as_millis());
    ApiError::new(ProblemCode::Timeout, words)
}

/// The body, which fails when it is not there so long after it was first asked for.
fn in_time(body: Body, limit: Duration, is_late: Arc<AtomicBool>) -> Body {
    let at_end = Arc::clone(&is_late);
    let over = Box::pin(async move {
        tokio::time::sleep(limit).await;
        is_late.store(true, Ordering::Relaxed);
    });
    let within = body.into_bytes_stream().take_until(over);
    let error = || IoError::other("the body took too long");
    let end = stream::once(async move { at_end.load(Ordering::Relaxed).then(|| Err(error())) });
    Body::from_bytes_stream(within.chain(end.filter_map(ready)))
}

/// Whether the request makes a document of parts, all of which are read.
fn is_completion(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::POST
        && path.starts_with("/v1/uploads/")
        && path.ends_with("/complete")
}

fn is_question(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::POST && (path == "/v1/answers" || path.ends_with("/messages"))
}

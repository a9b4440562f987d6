//! Bounds the time of a request until its response begins. Answers have the time-outs of their model instead.

use std::time::Duration;

use poem::http::Method;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};

use super::body_limit::is_upload;
use super::observe::request_id;
use crate::web::problem::{ApiError, ProblemCode};

/// Time limits.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    /// Of an upload.
    pub upload: Duration,
    /// Of any other request.
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
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let limit = if is_upload(&request) { self.limits.upload } else { self.limits.other };
        let id = request_id(&request);
        match tokio::time::timeout(limit, self.inner.call(request)).await {
            Ok(result) => result.map(IntoResponse::into_response),
            Err(_) => Ok(ApiError::new(
                ProblemCode::Timeout,
                format!("the request was not done within {} ms; try again", limit.as_millis()),
            )
            .response(id.as_deref())),
        }
    }
}

fn is_question(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::POST && (path == "/v1/answers" || path.ends_with("/messages"))
}

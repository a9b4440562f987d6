//! The outermost layer: request id, span, one log line per request, and a problem instead of a panic.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use poem::http::{HeaderValue, Method};
use poem::{Endpoint, IntoResponse, Middleware, PathPattern, Request, Response, Result};
use poem_openapi::OperationId;
use tracing::Instrument;

use super::client_address::client_address;
use super::pages::is_probe;
use crate::identity::RequestOrigin;
use crate::kernel::ids::new_id;
use crate::telemetry::metrics::metrics;
use crate::telemetry::{self, TraceContext};
use crate::web::problem::ApiError;
use crate::web::response_note::ResponseNote;

/// Id of a request, once the outermost layer has seen it.
pub fn request_id(request: &Request) -> Option<String> {
    request.extensions().get::<RequestOrigin>().and_then(|origin| origin.request_id.clone())
}

/// The layer.
pub struct Observe {
    /// Proxies in front whose word about the client's address counts.
    pub trusted_proxies: u32,
}

impl<E: Endpoint> Middleware<E> for Observe {
    type Output = ObserveEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ObserveEndpoint { trusted_proxies: self.trusted_proxies, inner }
    }
}

pub struct ObserveEndpoint<E> {
    trusted_proxies: u32,
    inner: E,
}

impl<E: Endpoint> Endpoint for ObserveEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let request_id = new_id();
        let id = request_id.simple().to_string();
        let address = client_address(&request, self.trusted_proxies);
        let origin =
            RequestOrigin { request_id: Some(id.clone()), address, ..RequestOrigin::default() };
        request.extensions_mut().insert(origin);
        request.extensions_mut().insert(ResponseNote::default());
        let method = request.method().clone();
        let header =
            |name: &'static str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let is_probe = is_probe(&request);
        let arrived = if is_probe {
            Some(TraceContext::untold())
        } else {
            TraceContext::of_headers(header("traceparent"), header("x-amzn-trace-id"))
        };
        let span = telemetry::request(request_id, arrived.as_ref());
        let began = Instant::now();
        let called = AssertUnwindSafe(self.inner.call(request))
            .catch_unwind()
            .instrument(span.span().clone());
        let mut response = match called.await {
            Ok(Ok(output)) => output.into_response(),
            Ok(Err(error)) => {
                let pattern = error.data::<PathPattern>().cloned();
                let mut response = error.into_response();
                if let Some(pattern) = pattern {
                    response.set_data(pattern);
                }
                response
            }
            Err(_) => ApiError::internal(anyhow::anyhow!("a handler panicked")).response(Some(&id)),
        };
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        // Never the path or the query: they hold ids and texts of tenants.
        let operation = response.data::<OperationId>().map_or("-", |operation| operation.0);
        let (status, took) = (response.status().as_u16(), began.elapsed().as_secs_f64());
        tracing::info!(
            parent: span.span(),
            %method,
            operation,
            status,
            duration_ms = took * 1_000.0,
            "request"
        );
        span.answered(method_name(&method), operation, status);
        if !is_probe {
            metrics().request(operation, status, took);
        }
        Ok(response)
    }
}

/// The method as it is told to the collector: anybody can make up another.
fn method_name(method: &Method) -> &'static str {
    let known = [
        ("GET", Method::GET),
        ("POST", Method::POST),
        ("PATCH", Method::PATCH),
        ("PUT", Method::PUT),
        ("DELETE", Method::DELETE),
        ("HEAD", Method::HEAD),
        ("OPTIONS", Method::OPTIONS),
    ];
    known.into_iter().find(|(_, known)| known == method).map_or("_OTHER", |(name, _)| name)
}

//! Cross-origin requests of browsers (WHATWG Fetch, "CORS protocol"): which pages of other sites may read responses.
//!
//! A preflight carries no credential, so it is allowed to origins that any tenant knows. A response is readable to an
//! origin of the very tenant or key that it is for; one for nobody (a bad key, too many requests) to any known origin, so
//! that a page can tell what is wrong. Nobody else gets a header, and nobody gets an error: the browser refuses by itself.
//! No origin is ever allowed by a wildcard, and cookies never count across origins.

mod known_origins;

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};

pub use known_origins::KnownOrigins;

use super::allow::AllowedMethods;
use crate::web::response_note::ResponseNote;

/// Request headers that pages may send.
const REQUEST_HEADERS: &str =
    "authorization, content-type, accept, if-match, pidima-tenant, idempotency-key, last-event-id";
/// Response headers that pages may read.
const RESPONSE_HEADERS: &str = "x-request-id, etag, location, ratelimit, ratelimit-policy, retry-after, idempotency-replayed, pidima-quota-warning";
/// How long browsers may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// Adds the headers of responses.
pub struct Cors {
    /// Origins that some tenant knows.
    pub known: KnownOrigins,
}

impl<E: Endpoint> Middleware<E> for Cors {
    type Output = CorsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        CorsEndpoint { known: self.known.clone(), inner }
    }
}

pub struct CorsEndpoint<E> {
    known: KnownOrigins,
    inner: E,
}

impl<E: Endpoint> Endpoint for CorsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if !is_api(&request) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let note = ResponseNote::of(&request);
        let mut response = self.inner.call(request).await?.into_response();
        // Also without an origin: a cache must not give that response to a page.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return Ok(response) };
        let may_read = match note.origin_may_read() {
            Some(may_read) => may_read,
            // Who is refused for asking too much does not make the database work.
            None if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.known.remembers(&origin)
            }
            None => self.known.knows(&origin).await,
        };
        if may_read {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        }
        Ok(response)
    }
}

/// Answers preflights.
pub struct Preflights {
    /// Origins that some tenant knows.
    pub known: KnownOrigins,
    /// Which methods each path has.
    pub allowed: AllowedMethods,
}

impl<E: Endpoint> Middleware<E> for Preflights {
    type Output = PreflightsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        PreflightsEndpoint { known: self.known.clone(), allowed: self.allowed.clone(), inner }
    }
}

pub struct PreflightsEndpoint<E> {
    known: KnownOrigins,
    allowed: AllowedMethods,
    inner: E,
}

impl<E: Endpoint> Endpoint for PreflightsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && is_api(&request)
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let is_known = match headers.get(header::ORIGIN) {
            Some(origin) => self.known.knows(origin).await,
            None => false,
        };
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let headers = response.headers_mut();
        let varies = "Access-Control-Request-Method, Access-Control-Request-Headers";
        headers.append(header::VARY, HeaderValue::from_static(varies));
        // The origin itself is told by the layer outside, which knows it too.
        if is_known && let Some(methods) = self.allowed.of(request.uri().path()) {
            if let Ok(methods) = HeaderValue::from_str(methods) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            set(headers, header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        Ok(response)
    }
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

fn is_api(request: &Request) -> bool {
    request.uri().path().starts_with("/v1/")
}

//! Headers that every response carries.

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};

/// Set unless a handler has set its own.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Of embedding alone: a `fetch` of another origin is a matter of CORS.
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    // Tenants' data must not stay in any cache.
    (header::CACHE_CONTROL, "no-store"),
];

/// Adds the headers.
pub struct SecurityHeaders {
    transport: Option<HeaderValue>,
}

impl SecurityHeaders {
    /// Told to come by TLS alone are browsers that can: where the address is https, and the time is not 0.
    pub fn new(public_url: Option<&str>, hsts_seconds: u64) -> Self {
        let is_tls = public_url.is_some_and(|url| url.starts_with("https://")) && hsts_seconds > 0;
        let value = format!("max-age={hsts_seconds}; includeSubDomains");
        Self { transport: HeaderValue::from_str(&value).ok().filter(|_| is_tls) }
    }
}

impl<E: Endpoint> Middleware<E> for SecurityHeaders {
    type Output = SecurityHeadersEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        SecurityHeadersEndpoint { transport: self.transport.clone(), inner }
    }
}

pub struct SecurityHeadersEndpoint<E> {
    transport: Option<HeaderValue>,
    inner: E,
}

impl<E: Endpoint> Endpoint for SecurityHeadersEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut response = self.inner.call(request).await?.into_response();
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        if let Some(transport) = &self.transport {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, transport.clone());
        }
        Ok(response)
    }
}

//! Limits of addresses, before anything of a request is read; and the headers that tell every client of its tightest limit.

use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};

use super::observe::request_id;
use super::pages::is_probe;
use crate::adapters::limits::{Decision, Limit, LimitKey, RateLimiter, Subject};
use crate::identity::RequestOrigin;
use crate::web::problem::ApiError;
use crate::web::response_note::ResponseNote;

/// Requests that a failed authentication counts for, beyond itself: guessing ends long before good work does.
const FAILED_AUTHENTICATION_UNITS: u32 = 4;

/// The layer.
pub struct LimitAddresses {
    /// What counts.
    pub limiter: RateLimiter,
}

impl<E: Endpoint> Middleware<E> for LimitAddresses {
    type Output = LimitAddressesEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        LimitAddressesEndpoint { limiter: self.limiter.clone(), inner }
    }
}

pub struct LimitAddressesEndpoint<E> {
    limiter: RateLimiter,
    inner: E,
}

impl<E: Endpoint> Endpoint for LimitAddressesEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        // Whoever watches the service must be answered, also when they share an address with a flood.
        if is_probe(&request) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let note = ResponseNote::of(&request);
        let address = request.extensions().get::<RequestOrigin>().and_then(|origin| origin.address);
        let all = LimitKey::new(Limit::Address, None, Subject::Address(address));
        let mut keys = vec![all.clone()];
        if hashes_password(request.method(), request.uri().path()) {
            keys.push(LimitKey::new(Limit::Login, None, Subject::Address(address)));
            keys.push(LimitKey::new(Limit::PasswordHashing, None, Subject::Network(address)));
        } else if asks_a_provider(request.method(), request.uri().path()) {
            keys.push(LimitKey::new(Limit::Login, None, Subject::Address(address)));
        }
        for key in &keys {
            let decision = self.limiter.take(key).await;
            note.note_limit(decision);
            if !decision.is_allowed() {
                let id = request_id(&request);
                let refusal =
                    ApiError::rate_limited(decision.limit.name(), decision.retry_after_seconds());
                return Ok(told(refusal.response(id.as_deref()), &note));
            }
        }
        let response = self.inner.call(request).await?.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            note.note_limit(self.limiter.charge(&all, FAILED_AUTHENTICATION_UNITS).await);
        }
        Ok(told(response, &note))
    }
}

/// Whether a password is hashed: by method and route, so that no other route is taken for one of these.
fn hashes_password(method: &Method, path: &str) -> bool {
    match (method.as_str(), path) {
        ("POST", "/v1/login" | "/login/local" | "/login/invitation" | "/v1/invitations/accept")
        | ("PUT", "/v1/me/password") => true,
        ("POST", path) => path
            .strip_prefix("/v1/members/")
            .and_then(|rest| rest.strip_suffix("/password_reset"))
            .is_some_and(|member| !member.contains('/')),
        _ => false,
    }
}

/// Whether it is a leg of a login through a provider, which stores a login on its way or asks the provider.
fn asks_a_provider(method: &Method, path: &str) -> bool {
    let leg = path.strip_prefix("/login/").unwrap_or_default();
    matches!(*method, Method::GET | Method::HEAD) && !matches!(leg, "" | "local" | "choice")
}

/// The response with `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11) of the tightest limit: a
/// burst `q` comes back in `w` seconds; `r` are left, and all are there again in `t` seconds.
fn told(mut response: Response, note: &ResponseNote) -> Response {
    let Some(Decision { limit, quota, taken }) = note.tightest() else { return response };
    let (name, burst, window) = (limit.name(), quota.burst, quota.window_seconds());
    let full_after = taken.full_after.as_micros().div_ceil(1_000_000);
    let policy = format!("\"{name}\";q={burst};w={window}");
    let state = format!("\"{name}\";r={};t={full_after}", taken.remaining);
    for (header, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(header, value);
        }
    }
    response
}

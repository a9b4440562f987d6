//! Somebody without a credential who wants to log in: where they come from. Read before the body, it refuses pages of
//! other sites, which could log a victim's browser into an account of the attacker's.

use poem::http::header;
use poem::{FromRequest, Request, RequestBody};

use super::cookies::cookie;
use crate::identity::{BrowserCookie, RequestOrigin};
use crate::web::origin::{is_same_origin, names_origin};
use crate::web::problem::{ApiError, ProblemCode};

/// Who knocks.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Where the request comes from.
    pub request: RequestOrigin,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Cookie of the session that the browser has already.
    pub cookie: Option<String>,
}

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        // A program sends neither header, and has no cookies that another page could make use of.
        if names_origin(request) && !is_same_origin(request) {
            return Err(ApiError::new(
                ProblemCode::Forbidden,
                "a login comes from a page of this server, or from a program that is no browser",
            )
            .into());
        }
        Ok(Self {
            request: request.extensions().get::<RequestOrigin>().cloned().unwrap_or_default(),
            user_agent: request.header(header::USER_AGENT).map(str::to_owned),
            cookie: cookie(request, BrowserCookie::NAME).ok().flatten(),
        })
    }
}

//! The security schemes: what a request presents, verified before anything else of it is read.
//!
//! Written by hand, since the framework's own `enum` of schemes would let a good cookie cover for a bad bearer credential.

use futures_util::StreamExt;
use poem::http::{Method, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use uuid::Uuid;

use super::cookies::cookie;
use crate::adapters::limits::RateLimiter;
use crate::identity::{
    Action, Actor, BrowserCookie, Denied, Presented, RequestOrigin, Verifier, limits_of,
};
use crate::kernel::ids::TenantId;
use crate::web::origin::is_same_origin;
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::response_note::ResponseNote;

/// Name of the scheme of credentials sent as `Authorization: Bearer …`.
const BEARER: &str = "bearer";
/// Header by which a person of several tenants chooses one.
const TENANT_HEADER: &str = "pidima-tenant";
/// Name of the scheme of the cookie of a browser session.
const COOKIE: &str = "browser_session";

/// Who makes the request. The first argument of every operation: it is verified before the body is read.
#[derive(Debug)]
pub struct Caller {
    actor: Actor,
    presented: Presented,
    standing: Standing,
}

/// What a response that goes on for long asks again and again: whether its caller could still begin it.
#[derive(Clone, Debug)]
pub struct Standing {
    verifier: Verifier,
    presented: Presented,
    chosen: Option<TenantId>,
    origin: RequestOrigin,
}

impl Standing {
    /// Passes while the credential is good and its holder may do this: who loses either is refused within the time for
    /// which credentials are trusted.
    ///
    /// # Errors
    /// Why they may not any more.
    pub async fn require(&self, action: Action) -> Result<(), ApiError> {
        self.actor(action).await.map(drop)
    }

    /// The same; the holder as they are now.
    ///
    /// # Errors
    /// Why they may not any more.
    pub async fn actor(&self, action: Action) -> Result<Actor, ApiError> {
        let verified = self.verifier.verify(&self.presented, self.chosen, self.origin.clone());
        let actor = verified.await.map_err(ApiError::from)?;
        actor.require(action)?;
        Ok(actor)
    }
}

impl Caller {
    /// The actor, when they may do this.
    ///
    /// # Errors
    /// 403 that names the missing role or scope.
    pub fn require(&self, action: Action) -> Result<&Actor, ApiError> {
        self.actor.require(action)
    }

    /// Asks later what was asked now.
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// What the request presented.
    pub fn presented(&self) -> &Presented {
        &self.presented
    }
}

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            BEARER,
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "An API key (`pdm_…`), an access token (JWT) of your login provider, or in a web page of yours a \
                     publishable key (`pdp_…`), which may ask and little else, or a widget token (`pdw_…`). \
                     Whoever belongs to several tenants names one by its id in the header `Pidima-Tenant`.",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("pdm_<tenant>_<key id>_<secret>, or JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
        registry.create_security_scheme(
            COOKIE,
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some(
                    "The cookie that a login in the browser sets; pages of this server only",
                ),
                name: Some(BrowserCookie::NAME),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, COOKIE]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let presented = present(request)?;
        let verifier = request
            .data::<Verifier>()
            .ok_or_else(|| ApiError::internal(anyhow::anyhow!("no verifier in the application")))?;
        let origin = origin_of(request);
        let chosen = chosen_tenant(request)?;
        let standing = Standing {
            verifier: verifier.clone(),
            presented: presented.clone(),
            chosen,
            origin: origin.clone(),
        };
        let actor = verifier.verify(&presented, chosen, origin).await.map_err(ApiError::from)?;
        note_origin(request, &actor);
        if let Err(refused) = take_limits(request, &actor).await {
            // A client that is cut off while it sends never sees why: it is heard out, within the limits of its body.
            let mut rest = body.take()?.into_bytes_stream();
            while let Some(Ok(_)) = rest.next().await {}
            return Err(refused.into());
        }
        Ok(Self { actor, presented, standing })
    }
}

/// The tenant that the request names. It chooses among the tenants of a person; it never gives one.
fn chosen_tenant(request: &Request) -> Result<Option<TenantId>, ApiError> {
    let mut values = request.headers().get_all(TENANT_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| Uuid::try_parse(text).ok());
    match (id, values.next()) {
        (Some(id), None) => Ok(Some(id.into())),
        _ => Err(ApiError::new(
            ProblemCode::MalformedRequest,
            "the header Pidima-Tenant must hold the id of one tenant, once",
        )),
    }
}

/// Where the request came from, with the web origin that a browser says. Two of them are none.
pub(super) fn origin_of(request: &Request) -> RequestOrigin {
    let known = request.extensions().get::<RequestOrigin>().cloned().unwrap_or_default();
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let web_origin = match (origins.next(), origins.next()) {
        (Some(origin), None) => origin.to_str().ok().map(str::to_owned),
        _ => None,
    };
    RequestOrigin { web_origin, ..known }
}

/// Notes whether the page that asks may read what its tenant is told.
fn note_origin(request: &Request, actor: &Actor) {
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let is_listed = actor.allowed_origins.iter().any(|allowed| *origin == **allowed);
        ResponseNote::of(request).note_origin(is_listed);
    }
}

/// Counts the request for each limit of the caller; the first that is used up refuses it.
async fn take_limits(request: &Request, actor: &Actor) -> Result<(), ApiError> {
    let limiter = request
        .data::<RateLimiter>()
        .ok_or_else(|| ApiError::internal(anyhow::anyhow!("no limits in the application")))?;
    let note = ResponseNote::of(request);
    let keys = limits_of(actor, request.method().as_str(), request.uri().path());
    for decision in limiter.take_all(&keys).await {
        note.note_limit(decision);
        if !decision.is_allowed() {
            let seconds = decision.retry_after_seconds();
            return Err(ApiError::rate_limited(decision.limit.name(), seconds));
        }
    }
    Ok(())
}

/// A bearer credential counts before a cookie, and a bad one is never helped by a good cookie.
fn present(request: &Request) -> Result<Presented, ApiError> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return bearer(request).map(Presented::Bearer).ok_or_else(nothing_presented);
    }
    let cookie = cookie(request, BrowserCookie::NAME)?.ok_or_else(nothing_presented)?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !is_same_origin(request) {
        return Err(ApiError::new(
            ProblemCode::Forbidden,
            "a login in the browser changes things from pages of this server only; use an API key from elsewhere",
        ));
    }
    Ok(Presented::Cookie(cookie))
}

/// Text after `Authorization: Bearer`.
pub(super) fn bearer(request: &Request) -> Option<String> {
    let text = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim().to_owned())
}

fn nothing_presented() -> ApiError {
    ApiError::new(
        ProblemCode::Unauthenticated,
        "send an API key as Authorization: Bearer pdm_…, or log in at /login",
    )
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        if denied.is_suspension() {
            return Self::new(ProblemCode::Forbidden, denied.to_string());
        }
        match denied {
            Denied::Database(error) => error.into(),
            Denied::ProviderAway(_) => Self::new(ProblemCode::Unavailable, denied.to_string()),
            Denied::ChooseTenant(_) => Self::new(ProblemCode::TenantRequired, denied.to_string()),
            Denied::OtherTenant => Self::new(ProblemCode::MalformedRequest, denied.to_string()),
            other => Self::new(ProblemCode::Unauthenticated, other.to_string()),
        }
    }
}

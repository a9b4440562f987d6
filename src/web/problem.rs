//! Errors as clients see them: RFC 9457 problems with one closed set of codes.
//!
//! Handlers return [`ApiError`]; the layer `server/problems.rs` turns it, and every error of the framework, into a
//! response. The cause of an inner failure is kept for the log and can not be shown.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use poem::http::StatusCode;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, Enum, Object};
use uuid::Uuid;

use crate::db;

/// When the answer to a request that is being carried out may be there.
const IN_FLIGHT_WAIT: Duration = Duration::from_secs(1);

/// Why a request was refused or failed: stable, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ProblemCode {
    /// 400: the request can not be read.
    MalformedRequest,
    /// 400: the cursor is not one of this list and tenant.
    InvalidCursor,
    /// 400: the credential is good for several tenants, and the header `Pidima-Tenant` names none of them.
    TenantRequired,
    /// 401: no credential, or one that is malformed, unknown, expired or revoked.
    Unauthenticated,
    /// 403: the credential is good but its role or scopes do not allow this.
    Forbidden,
    /// 403: the password is right, but must be changed before anything else.
    PasswordChangeRequired,
    /// 404: there is no such thing for this tenant.
    NotFound,
    /// 405: the path has no such method.
    MethodNotAllowed,
    /// 406: no representation that `Accept` allows.
    NotAcceptable,
    /// 408: the request did not arrive or finish in time.
    Timeout,
    /// 409: the thing exists already, or is in a state that does not allow this.
    Conflict,
    /// 409: a request with this `Idempotency-Key` is being carried out; send it again after `Retry-After`.
    IdempotencyKeyInUse,
    /// 409: the request was carried out before under this `Idempotency-Key`, and its secret can not be shown again;
    /// `Location` leads to what the secret is for.
    AlreadyDone,
    /// 412: the thing has changed since it was read.
    PreconditionFailed,
    /// 413: the body is larger than the limit.
    PayloadTooLarge,
    /// 415: content of this type can not be read.
    UnsupportedMediaType,
    /// 422: the request can be read but a value is not acceptable.
    ValidationFailed,
    /// 422: the `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// 429: more requests than a limit lets through; come again after `Retry-After`.
    RateLimited,
    /// 429: a quota is used up; `quota` tells which, and `Retry-After` when there is something again.
    QuotaExceeded,
    /// 500: a fault of ours; the request id finds it in the log.
    Internal,
    /// 503: a part that is needed can not be reached, or the operator has switched this off for a while; try again.
    Unavailable,
}

impl ProblemCode {
    /// Every code, for the documentation and its test.
    pub const ALL: [Self; 22] = [
        Self::MalformedRequest,
        Self::InvalidCursor,
        Self::TenantRequired,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::PasswordChangeRequired,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Timeout,
        Self::Conflict,
        Self::IdempotencyKeyInUse,
        Self::AlreadyDone,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Status that the code always comes with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest | Self::InvalidCursor | Self::TenantRequired => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::PasswordChangeRequired => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::IdempotencyKeyInUse | Self::AlreadyDone => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited | Self::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code as it is written, e.g. `not_found`.
    pub fn name(self) -> String {
        self.to_json().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// One value of the request that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or the name of the parameter.
    #[oai(validator(max_length = 500))]
    pub pointer: String,
    /// What is wrong with the value and what would be right.
    #[oai(validator(max_length = 2000))]
    pub detail: String,
}

/// The quota that a question was refused for.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct RefusedQuota {
    /// What is limited: `tenant`, `assistant`, `key` or `person`.
    #[oai(validator(max_length = 20))]
    pub subject: String,
    /// What is counted: `questions`, `tokens`, `cost_micro_usd` or `concurrent_runs`.
    #[oai(validator(max_length = 20))]
    pub measure: String,
    /// In which period: `minute`, `day` or `month`; absent for `concurrent_runs`.
    #[oai(validator(max_length = 20))]
    pub period: Option<String>,
    /// When the period ends; absent for `concurrent_runs`.
    pub resets_at: Option<DateTime<Utc>>,
}

/// An error (RFC 9457), as `application/problem+json`.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Problem {
    /// Address that identifies the kind of problem and leads to its description.
    #[oai(rename = "type", validator(max_length = 200))]
    pub kind: String,
    /// The kind of problem in words; the same for each occurrence.
    #[oai(validator(max_length = 200))]
    pub title: String,
    /// HTTP status.
    #[oai(validator(minimum(value = "400"), maximum(value = "599")))]
    pub status: i32,
    /// The kind of problem for programs.
    pub code: ProblemCode,
    /// What happened here and what to do about it.
    #[oai(validator(max_length = 2000))]
    pub detail: String,
    /// Id of the request; name it when you ask for help.
    #[oai(validator(max_length = 64))]
    pub request_id: Option<String>,
    /// The values that are not acceptable, where the problem is about values.
    #[oai(validator(max_items = 100))]
    pub errors: Option<Vec<FieldError>>,
    /// The quota that is used up, where the problem is that.
    pub quota: Option<RefusedQuota>,
    /// The run that the problem is about: the one that makes an answer already, or that goes on.
    pub run_id: Option<Uuid>,
}

/// What a handler fails with.
pub struct ApiError {
    /// For programs.
    pub code: ProblemCode,
    /// For the person who made the request.
    pub detail: String,
    /// Values that are not acceptable.
    pub errors: Vec<FieldError>,
    /// Run that it is about.
    run_id: Option<Uuid>,
    /// When to try again.
    retry_after: Option<Duration>,
    /// The quota that is used up.
    quota: Option<Box<RefusedQuota>>,
    /// Path of what the problem is about.
    location: Option<Box<str>>,
    /// Cause of an inner failure: for the log only.
    cause: Option<anyhow::Error>,
}

impl ApiError {
    /// A problem with a code and an explanation of what to do.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            run_id: None,
            retry_after: None,
            quota: None,
            location: None,
            cause: None,
        }
    }

    /// The same problem about what is found at a path.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        Self { location: Some(path.into()), ..self }
    }

    /// 404, the same words whether the thing belongs to another tenant or to nobody.
    pub fn not_found(noun: &str) -> Self {
        Self::new(
            ProblemCode::NotFound,
            format!("there is no such {noun}; check the id, or list what there is"),
        )
    }

    /// 422 about one value of the body.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            errors: vec![FieldError { pointer: pointer.to_owned(), detail: detail.clone() }],
            ..Self::new(ProblemCode::ValidationFailed, format!("{pointer}: {detail}"))
        }
    }

    /// 429 with the time after which there is one more try.
    pub fn too_many(retry_after: Duration, detail: impl Into<String>) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ProblemCode::RateLimited, detail) }
    }

    /// 429 of a limit; `seconds` is at least 1.
    pub fn rate_limited(limit: &str, seconds: u64) -> Self {
        Self {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Self::new(
                ProblemCode::RateLimited,
                format!(
                    "too many requests for the limit \"{limit}\"; come again after {seconds} s"
                ),
            )
        }
    }

    /// 429 of a quota, with the time after which there is something again.
    pub fn quota_exceeded(
        retry_after: Duration,
        quota: RefusedQuota,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            retry_after: Some(retry_after),
            quota: Some(Box::new(quota)),
            ..Self::new(ProblemCode::QuotaExceeded, detail)
        }
    }

    /// 500 with a cause that only the log sees.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                ProblemCode::Internal,
                "something failed on our side; try again, and name the request id if it stays",
            )
        }
    }

    /// 503 with a cause that only the log sees: a part that is needed is away.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        Self { cause: Some(cause.into()), ..Self::new(ProblemCode::Unavailable, detail) }
    }

    /// The same, naming the run that it is about.
    pub fn about_run(self, run_id: Uuid) -> Self {
        Self { run_id: Some(run_id), ..self }
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&anyhow::Error> {
        self.cause.as_ref()
    }

    /// Whole seconds until it is worth trying again, rounded up.
    fn retry_after_seconds(&self) -> Option<u64> {
        let named = self.retry_after.map(|wait| wait.as_millis().div_ceil(1_000).max(1));
        let seconds = named.and_then(|seconds| u64::try_from(seconds).ok());
        seconds.or_else(|| (self.code == ProblemCode::Unavailable).then_some(2))
    }

    /// The problem as it is sent.
    pub fn problem(&self, request_id: Option<&str>) -> Problem {
        let status = self.code.status();
        Problem {
            kind: format!("/problems#{}", self.code.name()),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: i32::from(status.as_u16()),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id.map(str::to_owned),
            errors: (!self.errors.is_empty()).then(|| self.errors.clone()),
            quota: self.quota.as_deref().cloned(),
            run_id: self.run_id,
        }
    }

    /// The response as it is sent.
    pub fn response(&self, request_id: Option<&str>) -> poem::Response {
        let mut response = poem::Response::builder()
            .status(self.code.status())
            .content_type("application/problem+json")
            .header("cache-control", "no-store");
        if self.code == ProblemCode::Unauthenticated {
            response = response.header("www-authenticate", "Bearer realm=\"pidima\"");
        }
        if let Some(seconds) = self.retry_after_seconds() {
            response = response.header("retry-after", seconds.to_string());
        }
        if let Some(path) = &self.location {
            response = response.header("location", &**path);
        }
        response.body(self.problem(request_id).to_json_string())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.detail)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ApiError {}

impl poem::error::ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        self.code.status()
    }

    fn as_response(&self) -> poem::Response {
        self.response(None)
    }
}

impl From<db::Error> for ApiError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::KeyInUse => Self {
                retry_after: Some(IN_FLIGHT_WAIT),
                ..Self::new(
                    ProblemCode::IdempotencyKeyInUse,
                    "a request with this Idempotency-Key is being carried out; send it again in a moment to get its answer",
                )
            },
            db::Error::KeyReused => Self::new(
                ProblemCode::IdempotencyKeyReused,
                "this Idempotency-Key was used for another request; take a new key for each thing to be made",
            ),
            error if error.is_retryable() => {
                Self::unavailable("the database is busy or away; try again", error)
            }
            error => Self::internal(error),
        }
    }
}

/// One entry `default` of each operation in the document.
impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A problem (RFC 9457); `code` tells which",
                status: None,
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: "application/problem+json",
                    schema: Problem::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}
